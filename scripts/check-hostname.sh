#!/usr/bin/env bash
# Claims a name with `--set-hostname`, as user data of Aerostat would have it, and asks the kernel
# and /etc/hostname.
#
# usage: scripts/check-hostname.sh
#
# Everything happens in UTS and mount namespaces of its own, on a copy of /etc, and where no
# hostnamectl reaches the machine's: its name and files are not touched. Where no such namespaces may
# be made, it says so and checks nothing.
set -euo pipefail

cd "$(dirname "$0")/.."
project=$PWD

if [ "${1:-}" != --inside ]; then
  if ! command -v hostname > /dev/null || ! unshare --uts --mount true 2> /dev/null; then
    echo 'check-hostname: left out: it takes root, unshare(1) and hostname(1)'
    exit 0
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  before=$(hostname; cat /etc/hostname 2> /dev/null || true)
  unshare --uts --mount --propagation private "$0" --inside "$work"
  after=$(hostname; cat /etc/hostname 2> /dev/null || true)
  [ "$before" = "$after" ] || { echo 'check-hostname: this machine was renamed' >&2; exit 1; }
  exit
fi
work=$2

fail() {
  echo "check-hostname: $*" >&2
  [ ! -s "$work/stderr" ] || cat "$work/stderr" >&2
  exit 1
}

# Runs a line in a sandbox, as on an instance of it that has no name.
sandboxed() {
  env PATH="$work/bin:$PATH" node "$project/bin/nametag.js" sandbox --as web --settle-max 50ms -- \
    sh -c "$1" > "$work/stdout" 2> "$work/stderr"
}

cp -a /etc "$work/etc"
mount --bind "$work/etc" /etc
rm -f /etc/hostname
echo ip-10-0-0-1 > /etc/hostname
hostname ip-10-0-0-1
mkdir "$work/bin"
# A service outside would take the name for the whole machine.
printf '#!/bin/sh\necho "System has not been booted with systemd." >&2\nexit 1\n' \
  > "$work/bin/hostnamectl"
chmod +x "$work/bin/hostnamectl"
claim="node $project/bin/nametag.js claim-name --settle 100ms --info /etc/aerostat_info"

echo 'db masterful cache' > /etc/aerostat_info
sandboxed "$claim --dry-run --set-hostname" || fail 'a dry run failed'
[ "$(hostname)" = ip-10-0-0-1 ] || fail 'a dry run renamed the host'

sandboxed "$claim --set-hostname" || fail 'the claim failed'
[ "$(cat "$work/stdout")" = db-master ] || fail "the name is $(cat "$work/stdout")"
[ "$(hostname) $(cat /etc/hostname)" = 'db-master db-master' ] || fail "the host is $(hostname)"
echo 'check-hostname: the kernel and /etc/hostname have the name that is held'

stamp=$(stat -c '%i %y' /etc/hostname)
sandboxed "$claim --set-hostname" || fail 'the second claim failed'
[ "$(stat -c '%i %y' /etc/hostname)" = "$stamp" ] || fail 'a file that was right was written'
echo 'check-hostname: what is right is not touched'

printf '#!/bin/sh\necho "hostname: you must be root" >&2\nexit 1\n' > "$work/bin/hostname"
chmod +x "$work/bin/hostname"
echo 'kv' > /etc/aerostat_info
code=0
sandboxed "$claim --set-hostname" || code=$?
[ "$code" = 73 ] || fail "exit $code where the kernel refuses, not 73"
[ ! -s "$work/stdout" ] || fail 'a name on stdout where the kernel refuses'
grep -qF 'holds kv-0' "$work/stderr" || fail 'nothing said of the name that is held'
grep -qF 'you must be root' "$work/stderr" || fail 'nothing said of the reason'

echo 'queue' > /etc/aerostat_info
mount -o remount,bind,ro /etc
code=0
sandboxed "$claim --set-hostname" || code=$?
[ "$code" = 73 ] || fail "exit $code where /etc is read-only, not 73"
grep -qF 'holds queue-0' "$work/stderr" || fail 'nothing said of the name that is held'
[ "$(hostname) $(cat /etc/hostname)" = 'db-master kv-0' ] || fail "the host is $(hostname)"
echo 'check-hostname: a failure is told, with the name that is held all the same'
