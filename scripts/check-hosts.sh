#!/usr/bin/env bash
# Rewrites the hosts file that this machine's own resolver reads, and asks `getent` what it finds.
#
# usage: scripts/check-hosts.sh [COMMAND...]
#
# COMMAND writes the block, given `--write PATH`; it is nametag in its sandbox unless said otherwise.
# Everything happens in a mount namespace of its own, on a copy of /etc: the machine's files are
# not touched. Where no such namespace may be made, it says so and checks nothing.
set -euo pipefail

cd "$(dirname "$0")/.."
project=$PWD

if [ "${1:-}" != --inside ]; then
  [ $# -gt 0 ] || set -- node "$project/bin/nametag.js" sandbox -- node "$project/bin/nametag.js" hosts
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

write() {
  "${command[@]}" --write "$1" > "$work/stdout" 2> "$work/stderr"
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

cp -a /etc "$work/etc"
cp "$original" "$work/etc/hosts"
chmod 0640 "$work/etc/hosts"
chown 12:34 "$work/etc/hosts"
mount --bind "$work/etc" /etc

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

# The second time nothing is touched.
before=$(stat -c '%i %y %z' /etc/hosts)
write /etc/hosts || fail "the second run: exit $?: $(cat "$work/stderr")"
[ "$(stat -c '%i %y %z' /etc/hosts)" = "$before" ] || fail 'the second run touched the file'
echo 'check-hosts: the second run touches nothing'

# A bind-mounted file, as containers have it, cannot be renamed over.
cp "$original" "$work/hosts"
mount --bind "$work/hosts" /etc/hosts
before=$(stat -c %i /etc/hosts)
write /etc/hosts || fail "a bind-mounted file: exit $?: $(cat "$work/stderr")"
check_resolves 'a bind-mounted file'
[ "$(stat -c %i /etc/hosts)" = "$before" ] || fail 'a bind-mounted file was not written in place'
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
