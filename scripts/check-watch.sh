#!/usr/bin/env bash
# The life of a real watcher in a sandbox: it keeps files, runs a handler, is poked, hung up, told to
# end in the middle of things, killed, left alone by EC2, and started wrongly. Within a minute.
#
# usage: scripts/check-watch.sh
set -euo pipefail

cd "$(dirname "$0")/.."
program=$PWD/bin/nametag.js
command -v curl > /dev/null || { echo 'check-watch: left out: it takes curl' && exit 0; }
command -v setsid > /dev/null || { echo 'check-watch: left out: it takes setsid' && exit 0; }
work=$(mktemp -d)
cd "$work"
watcher=
sandbox=
other=
# Each is a job of this shell, so no other process can have its number.
trap 'kill $watcher $sandbox $other 2> /dev/null || true; wait; rm -rf "$work"' EXIT

fail() {
  echo "check-watch: $*" >&2
  tail -n 8 "$work"/*.log >&2
  exit 1
}

# Waits until a command succeeds, 15 seconds at most.
await() {
  local tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 150 ] || fail "waited in vain for: $*"
    sleep 0.1
  done
}

nametag() {
  node "$program" "$@"
}

# exits STATUS COMMAND...
exits() {
  local status=0
  "${@:2}" > out.log 2>&1 || status=$?
  [ "$status" = "$1" ] || fail "exit status $status in place of $1 of: ${*:2}"
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close(); })'
}

cat > fleet.json << 'END'
{
  "instances": [
    { "id": "i-00000000000000001", "privateIp": "10.1.0.1",
      "tags": { "Name": "web-1", "status": "ready" } },
    { "id": "i-00000000000000002", "privateIp": "10.1.0.2",
      "tags": { "Name": "web-2", "status": "ready" } },
    { "id": "i-00000000000000003", "privateIp": "10.1.0.3",
      "tags": { "Name": "web-3", "status": "ready" } }
  ]
}
END
port=$(free_port)
start_sandbox() {
  NAMETAG_RUNTIME_DIR=$work/sandbox node "$program" sandbox --fleet fleet.json --port "$port" \
    --settle-max 0s --faults shutting-down=0s > sandbox.log 2>&1 &
  sandbox=$!
  await grep -q AWS_ENDPOINT_URL_EC2 sandbox.log
}
start_sandbox
eval "$(grep ^export sandbox.log)"
export AWS_MAX_ATTEMPTS=1 NAMETAG_CONFIG=$work/config.json NAMETAG_RUNTIME_DIR=$work/run
export NAMETAG_CACHE_DIR=$work/cache NAMETAG_STATE_DIR=$work/state

ec2() {
  curl -fsS -o ec2.xml "$AWS_ENDPOINT_URL_EC2/" -d Version=2016-11-15 "$@"
}

tag() {
  ec2 -d Action=CreateTags -d "ResourceId.1=$1" -d "Tag.1.Key=$2" -d "Tag.1.Value=$3"
}

metrics=$(free_port)
cat > handler << 'END'
#!/bin/sh
{ echo "$SERF_EVENT $SERF_SELF_NAME"; cut -f 1,2; } > handled.new
# The watcher may be told to end meanwhile; then this has its time.
sleep "${PAUSE:-0}"
cat handled.new >> handled
END
chmod +x handler
cat > config.json << END
{
  "interval": "1s",
  "maxStale": "6s",
  "listen": "127.0.0.1:$metrics",
  "hosts": [
    { "write": "$work/hosts", "domain": "ec2.example.com" },
    { "dir": "$work/hosts.d", "ready": true }
  ],
  "handlers": [{ "events": ["member-update", "member-failed"], "command": "$work/handler" }]
}
END
mkdir hosts.d
printf '127.0.0.1\tlocalhost\n' > hosts
nametag config check

# In a group of its own, so that a test of a kill kills it alone.
start() {
  setsid node "$program" watch "$@" > watch.log 2>&1 &
  watcher=$!
}

end_watcher() {
  local status=0
  kill -TERM "$watcher"
  wait "$watcher" || status=$?
  watcher=
  [ "$status" = 0 ] || fail "SIGTERM ended it with $status"
}

has() { grep -qs "$2" "$1"; }
lacks() { ! grep -qs "$2" "$1"; }
answers() { [ "$(curl -s -o ready.txt -w '%{http_code}' "127.0.0.1:$metrics/$1")" = "$2" ]; }

began=$SECONDS
start
await has watch.log 'Brought .*hosts.d'
has hosts 'localhost' && has hosts 'web-2 web-2.ec2.example.com' && has hosts.d/* web-3 ||
  fail 'the files are not right'
await answers readyz 200

# Gone at the next refresh, with its line and with an event.
ec2 -d Action=TerminateInstances -d InstanceId.1=i-00000000000000001
await lacks hosts web-1
# The files are written one after the other.
await lacks hosts.d/nametag-default web-1
await has handled 'member-failed'
has handled "$(printf 'web-1\t10.1.0.1')" || fail "the handler was told: $(cat handled)"

# A flipped tag: out of the file of those that are ready, not out of the other, and an update.
tag i-00000000000000002 status drain
await lacks 'hosts.d/nametag-default' web-2
has hosts web-2 || fail 'it went from a file that it is of'
await has handled member-update
has handled "$(printf 'web-2\t10.1.0.2')" || fail "the handler was told: $(cat handled)"
curl -fsS "127.0.0.1:$metrics/metrics" > metrics.txt
has metrics.txt '^nametag_render_total{output=".*/hosts",result="written"} [2-9]' ||
  fail 'the metrics do not count'
has metrics.txt '^nametag_api_requests_total{action="DescribeInstances",result="ok"} [2-9]' ||
  fail 'the metrics do not count requests'

# A second watcher runs beside it, without the port and without the pokes.
node "$program" watch --config= --interval 1h --handler true > other.log 2>&1 &
other=$!
await has other.log not-poked
# A port that is taken, a mistake in the config, and what a watcher does not take.
exits 73 nametag watch --config= --listen "127.0.0.1:$metrics"
exits 64 nametag watch --config=
exits 64 nametag watch --config= --handler true --force
sed 's/interval/intervall/' config.json > wrong.json
exits 78 nametag watch --config "$work/wrong.json"
exits 78 nametag config check --config "$work/wrong.json"
kill "$other"
wait "$other" || fail 'the second watcher did not end well'
other=

# EC2 goes away: the files stay, and after `maxStale` it is not ready any more.
cp hosts before
kill "$sandbox"
wait "$sandbox" || true
await has watch.log 'The last good answer'
await answers readyz 503
answers healthz 200 || fail 'it is not alive, only since EC2 is away'
cmp -s hosts before || fail 'the file was touched while EC2 was away'
[ "$(grep -c ' warn refresh-failed' watch.log)" = 1 ] || fail 'a failure was told more than once'

# Killed, and started while EC2 is away and the answer on disk too old: it ends, and touches nothing.
kill -KILL "$watcher"
wait "$watcher" 2> /dev/null || true
watcher=
exits 69 nametag watch
cmp -s hosts before || fail 'the file was touched though there was no answer'

# EC2 comes back. It has begun anew, with all three hosts.
start_sandbox
PAUSE=2 start --interval 1h
await has hosts web-1
await answers readyz 200

# With an hour from one refresh to the next, only who asks sees a change.
tag i-00000000000000003 Name db-3
nametag watch --poke
await has hosts db-3
tag i-00000000000000003 Name db-4
await has watch.log refresh-asked
sleep 2
kill -HUP "$watcher"
await has hosts db-4

# Told to end while a handler runs: that one has its time.
rm -f handled handled.new
ec2 -d Action=TerminateInstances -d InstanceId.1=i-00000000000000001
sleep 2
nametag watch --poke
await test -e handled.new
end_watcher
has handled "$(printf 'web-1\t10.1.0.1')" || fail 'the handler was cut short'
exits 69 nametag watch --poke

# One file alone.
node "$program" hosts --config= --write one --watch --interval 1s > watch.log 2>&1 &
watcher=$!
await has watch.log 'Brought one up to date'
tag i-00000000000000002 Name web-22
await has one web-22
end_watcher
echo "check-watch: everything was as it should be, in $((SECONDS - began)) s"
