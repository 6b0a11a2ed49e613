#!/usr/bin/env bash
# Lets a real dnsmasq read what `nametag hosts` writes, and asks it with `dig`, on loopback only.
#
# The fleets are of the sandbox: first one, then another in which a name has moved, one is gone and
# one is new. Where dnsmasq or dig is not there, it says so and checks nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
project=$PWD

if ! command -v dnsmasq > /dev/null || ! command -v dig > /dev/null; then
  echo 'check-dnsmasq: left out: it takes dnsmasq(8) and dig(1)'
  exit 0
fi

work=$(mktemp -d)
daemon=
cleanup() {
  [ -z "$daemon" ] || kill "$daemon" 2> /dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
chmod 755 "$work"

fail() {
  echo "check-dnsmasq: $*" >&2
  sed 's/^/  /' "$work/log" "$work/stderr" >&2 2> /dev/null || true
  exit 1
}

# fleet FILE NAME=ADDRESS...
fleet() {
  local file=$1 separator=
  shift
  {
    printf '{"groups":[{"name":"web"}],"instances":['
    for pair in "$@"; do
      printf '%s{"groups":["web"],"privateIp":"%s","tags":{"Name":"%s"}}' \
        "$separator" "${pair#*=}" "${pair%%=*}"
      separator=,
    done
    printf ']}\n'
  } > "$file"
}

# hosts FLEET OPTIONS...
hosts() {
  local file=$1
  shift
  node "$project/bin/nametag.js" sandbox --fleet "$file" --settle-max 0s -- \
    node "$project/bin/nametag.js" hosts --domain ec2.example.com "$@" 2> "$work/stderr" ||
    fail "nametag hosts $*: exit $?"
}

start() {
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close(); })')
  dnsmasq --keep-in-foreground --conf-file=/dev/null --port="$port" --listen-address=127.0.0.1 \
    --bind-interfaces --no-resolv --no-hosts --pid-file= --user="$(id -un)" \
    --log-facility="$work/log" "$@" &
  daemon=$!
}

stop() {
  kill "$daemon"
  wait "$daemon" || true
  daemon=
}

ask() {
  dig +short +time=1 +tries=1 -p "$port" @127.0.0.1 "$@" 2> /dev/null | grep -v '^;' || true
}

# finds WHAT QUESTION...: dnsmasq gives this answer soon, and nothing else.
finds() {
  local expected=$1 answer=
  shift
  for _ in $(seq 50); do
    answer=$(ask "$@")
    [ "$answer" != "$expected" ] || return 0
    sleep 0.1
  done
  fail "asked for $*, expected \"$expected\", got \"$answer\""
}

fleet "$work/first.json" web-0=10.0.0.10 web-1=10.0.0.11
fleet "$work/second.json" web-1=10.0.0.21 web-2=10.0.0.12

check_first() {
  finds 10.0.0.10 web-0
  finds 10.0.0.11 web-1
  finds 10.0.0.11 web-1.ec2.example.com
  finds web-1. -x 10.0.0.11
}

check_second() {
  finds 10.0.0.12 web-2
  finds 10.0.0.21 web-1
  finds web-1. -x 10.0.0.21
  finds '' web-0
  finds '' web-0.ec2.example.com
  finds '' -x 10.0.0.11
}

version=$(dnsmasq --version | sed -n 's/^Dnsmasq version \([0-9]*\.[0-9]*\).*/\1/p')

# A folder that is watched: no signal is sent, unless this dnsmasq needs one to forget names.
mkdir "$work/hosts.d"
hosts "$work/first.json" --dir "$work/hosts.d"
start --hostsdir="$work/hosts.d"
check_first
printf '10.6.6.6\thalf-writ' > "$work/hosts.d/.nametag-default.nametag-0123456789ab"
hosts "$work/second.json" --dir "$work/hosts.d"
finds 10.0.0.12 web-2
[ "$(printf '%s\n' 2.88 "$version" | sort -V | head -n 1)" = 2.88 ] || kill -HUP "$daemon"
check_second
finds '' half-writ
[ "$(ls -A "$work/hosts.d")" = nametag-default ] || fail "left in the folder: $(ls -A "$work/hosts.d")"
stop
echo "check-dnsmasq: dnsmasq $version, hostsdir: changes are found, and what is gone is not"

# A file that it reads again on SIGHUP, with lines of other people's.
printf '10.0.9.7\tlaserjet' > "$work/hosts"
hosts "$work/first.json" --write "$work/hosts"
start --addn-hosts="$work/hosts"
check_first
hosts "$work/second.json" --write "$work/hosts"
kill -HUP "$daemon"
check_second
finds 10.0.9.7 laserjet
stop
echo "check-dnsmasq: dnsmasq $version, addn-hosts: the same after SIGHUP"
