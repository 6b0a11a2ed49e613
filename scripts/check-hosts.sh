#!/usr/bin/env bash
# Rewrites the hosts file that this machine's own resolver reads, and asks `getent` what it finds.
#
# usage: scripts/check-hosts.sh [COMMAND...]
#
# COMMAND writes the block, given `--write PATH`; it is nametag in its sandbox unless said otherwise.
# Everything happens in a mount namespace of its own, on a copy of /etc and an empty /var/lib: the
# machine's files are not touched. Where no such namespace may be made, it says so and checks nothing.
set -euo pipefail

cd "$(dirname "$0")/.."
project=$PWD

if [ "${1:-}" != --inside ]; then
  # The sandbox has a state folder of its own; here that of the system is to be seen.
  [ $# -gt 0 ] || set -- node "$project/bin/nametag.js" sandbox -- \
    env -u NAMETAG_STATE_DIR node "$project/bin/nametag.js" hosts
  if ! command -v getent > /dev/null || ! unshare --mount true 2> /dev/null; then
    echo 'check-hosts: left out: it takes root, unshare(1) and getent(1)'
    exit 0
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  unshare --mount --propagation private "$0" --inside "$work" "$@"
  exit
fi
shift
work=$1
shift
command=("$@")
original=$project/test/fixtures/hosts-debian

fail() {
  echo "check-hosts: $*" >&2
  exit 1
}

# write PATH OPTIONS...
write() {
  "${command[@]}" --write "$@" > "$work/stdout" 2> "$work/stderr"
}

outside() {
  sed '/^# BEGIN nametag /,/^# END nametag /d' "$1"
}

inside() {
  sed -n '/^# BEGIN nametag /,/^# END nametag /p' "$1" | grep -v '^#'
}

# Every name that the block has is found at its address, and so is what was there before.
check_resolves() {
  local count=0 address names name
  while read -r address names; do
    for name in $names; do
      getent ahosts "$name" | grep -qF "$address " || fail "$1: getent does not find $name"
      count=$((count + 1))
    done
  done < <(inside /etc/hosts)
  [ "$count" -gt 0 ] || fail "$1: the block has no names"
  getent ahosts laserjet | grep -qF '10.0.9.7 ' || fail "$1: getent does not find laserjet any more"
  outside /etc/hosts | cmp - "$original" || fail "$1: bytes outside the block have changed"
  echo "check-hosts: $1: getent finds all $count names; every other byte is the same"
}

check_no_leftovers() {
  local left
  left=$(find "$1" -maxdepth 1 -name '.*nametag*')
  [ -z "$left" ] || fail "left behind: $left"
}

# Reads /etc/hosts until it is enough: the original must be at its start each time.
watch_for_loss() {
  local size
  size=$(stat -c %s "$original")
  while [ ! -e "$work/enough" ]; do
    head -c "$size" /etc/hosts | cmp -s - "$original" || return 1
  done
}

cp -a /etc "$work/etc"
cp "$original" "$work/etc/hosts"
chmod 0640 "$work/etc/hosts"
chown 12:34 "$work/etc/hosts"
mount --bind "$work/etc" /etc
mkdir "$work/lib"
mount --bind "$work/lib" /var/lib

# A plain file is replaced, and keeps owner, mode and attributes.
attribute() { python3 -c "import os, sys; $1" 2> /dev/null; }
attribute 'os.setxattr("/etc/hosts", "user.nametag", b"kept")' && has_attribute=1 || has_attribute=0
before=$(stat -c %i /etc/hosts)
write /etc/hosts || fail "a plain file: exit $?: $(cat "$work/stderr")"
check_resolves 'a plain file'
[ "$(stat -c %i /etc/hosts)" != "$before" ] || fail 'a plain file was not replaced by rename'
[ "$(stat -c '%a %u:%g' /etc/hosts)" = '640 12:34' ] || fail "owner or mode: $(stat /etc/hosts)"
if [ "$has_attribute" = 1 ]; then
  attribute 'sys.exit(os.getxattr("/etc/hosts", "user.nametag") != b"kept")' || fail 'attribute lost'
  echo 'check-hosts: extended attributes are kept'
else
  echo 'check-hosts: left out: extended attributes (no python3, or none on this file system)'
fi
check_no_leftovers /etc

# What it said is kept outside /etc, with its mode.
backups=$(cd /var/lib/nametag/backup && ls -A)
[[ $backups =~ ^hosts\.[0-9]{8}T[0-9]{6}\.[0-9]{3}Z$ ]] || fail "backups: $backups"
cmp "/var/lib/nametag/backup/$backups" "$original" || fail 'the backup is not what the file said'
[ "$(stat -c %a "/var/lib/nametag/backup/$backups")" = 640 ] || fail 'the mode of the backup'
echo "check-hosts: the old content is /var/lib/nametag/backup/$backups"

# The second time nothing is touched.
before=$(stat -c '%i %y %z' /etc/hosts)
write /etc/hosts || fail "the second run: exit $?: $(cat "$work/stderr")"
[ "$(stat -c '%i %y %z' /etc/hosts)" = "$before" ] || fail 'the second run touched the file'
[ "$(cd /var/lib/nametag/backup && ls -A)" = "$backups" ] || fail 'the second run made a backup'
[ ! -s "$work/stderr" ] || fail "the second run talks: $(cat "$work/stderr")"
echo 'check-hosts: the second run touches nothing, and says nothing'

# A symbolic link is followed, and stays one.
cp "$original" /etc/hosts.real
ln -sf hosts.real /etc/hosts
write /etc/hosts || fail "a symbolic link: exit $?: $(cat "$work/stderr")"
[ "$(readlink /etc/hosts)" = hosts.real ] || fail 'the symbolic link was replaced'
check_resolves 'a symbolic link'
rm /etc/hosts /etc/hosts.real

# Several at once, each with a block of its own.
cp "$original" /etc/hosts
pids=()
for n in 1 2 3 4 5 6; do
  "${command[@]}" --write /etc/hosts --block "block-$n" > "$work/stdout.$n" 2>&1 & pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || fail "several at once: exit $?: $(cat "$work"/stdout.*)"
done
for n in 1 2 3 4 5 6; do
  grep -q "^# END nametag block-$n$" /etc/hosts || fail "several at once: block-$n is not there"
done
check_resolves 'several at once'
check_no_leftovers /etc

# The lines of a legacy file come first, and are found first.
cp "$original" /etc/hosts
write /etc/hosts
first=$(inside /etc/hosts | sed -n '1s/^[^\t]*\t\([^ ]*\).*/\1/p')
printf '10.8.0.1\tlaserjet\n10.8.0.2\t%s' "$first" > /etc/hosts.legacy
write /etc/hosts --legacy /etc/hosts.legacy || fail "a legacy file: exit $?: $(cat "$work/stderr")"
getent ahosts laserjet | head -n 1 | grep -q '^10\.8\.0\.1 ' || fail 'laserjet is not the legacy one'
getent ahosts "$first" | head -n 1 | grep -q '^10\.8\.0\.2 ' || fail "$first is not the legacy one"
grep -q "^nametag: $first is also on line 3 of /etc/hosts, as 10.8.0.2" "$work/stderr" ||
  fail "nobody is told of $first: $(cat "$work/stderr")"
outside /etc/hosts | cmp - "$original" || fail 'a legacy file: bytes outside have changed'
echo 'check-hosts: a legacy file: getent finds its names first'

# A bind-mounted file, as containers have it, cannot be renamed over.
cp "$original" "$work/hosts"
mount --bind "$work/hosts" /etc/hosts
before=$(stat -c %i /etc/hosts)
watch_for_loss & watcher=$!
write /etc/hosts || fail "a bind-mounted file: exit $?: $(cat "$work/stderr")"
grep -q 'was written in place' "$work/stderr" || fail 'a bind-mounted file: nobody is told'
check_resolves 'a bind-mounted file'
write /etc/hosts
[ ! -s "$work/stderr" ] || fail "the second run talks: $(cat "$work/stderr")"
write /etc/hosts --name tphon-0 || fail "a shorter block: exit $?: $(cat "$work/stderr")"
check_resolves 'a bind-mounted file that gets shorter'
: > "$work/enough"
wait "$watcher" || fail 'a reader found a bind-mounted file without lines that were there all the time'
[ "$(stat -c %i /etc/hosts)" = "$before" ] || fail 'a bind-mounted file was not written in place'
[ -z "$(ls -A /var/lib/nametag/unfinished)" ] || fail 'a journal is left behind'
check_no_leftovers /etc

# One that is mounted read-only is refused, and stays what it is.
cp "$original" "$work/hosts"
mount -o remount,bind,ro /etc/hosts
code=0
write /etc/hosts || code=$?
[ "$code" = 73 ] || fail "a read-only file: exit $code, not 73: $(cat "$work/stderr")"
cmp /etc/hosts "$original" || fail 'a read-only file has changed'
check_no_leftovers /etc
echo "check-hosts: a read-only file: $(tail -n 1 "$work/stderr")"

# On a full disk too.
mkdir "$work/full"
mount -t tmpfs -o size=16k tmpfs "$work/full"
cp "$original" "$work/full/hosts"
cat /dev/zero > "$work/full/filler" 2> /dev/null || true
code=0
write "$work/full/hosts" || code=$?
[ "$code" = 74 ] || fail "a full disk: exit $code, not 74: $(cat "$work/stderr")"
cmp "$work/full/hosts" "$original" || fail 'a file on a full disk has changed'
check_no_leftovers "$work/full"
echo "check-hosts: a full disk: $(tail -n 1 "$work/stderr")"

# And where it is a mount of its own besides, so that it is written in place: it is put back. Its
# last page is full, or there would be room in that.
rm "$work/full/filler"
page=$(getconf PAGESIZE)
{ cat "$original" && head -c "$page" /dev/zero | tr '\0' '#'; } | head -c "$page" > "$work/long"
cp "$work/long" "$work/full/hosts"
cat /dev/zero > "$work/full/filler" 2> /dev/null || true
touch "$work/mounted"
mount --bind "$work/full/hosts" "$work/mounted"
code=0
write "$work/mounted" || code=$?
[ "$code" = 74 ] || fail "a full disk, in place: exit $code, not 74: $(cat "$work/stderr")"
cmp "$work/mounted" "$work/long" || fail 'a file on a full disk has changed'
echo "check-hosts: a full disk, in place: $(tail -n 1 "$work/stderr")"
