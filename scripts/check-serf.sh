#!/usr/bin/env bash
# Runs Serf's agent and `nametag watch` side by side on loopback, has the same happen to both, and
# compares what one handler is given by each. Then lets a user event of Serf refresh watchers.
#
# usage: scripts/check-serf.sh
set -euo pipefail

cd "$(dirname "$0")/.."
project=$PWD

for program in serf curl; do
  if ! command -v "$program" > /dev/null; then
    echo "check-serf: left out: it takes $program"
    exit 0
  fi
done

if [ "${1:-}" != --inside ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cat > "$work/fleet.json" << 'END'
{
  "instances": [
    {
      "id": "i-00000000000000001",
      "privateIp": "127.0.0.2",
      "tags": { "Name": "web-1", "role": "web", "status": "ready", "my-tag": "a b" }
    },
    {
      "id": "i-00000000000000002",
      "privateIp": "127.0.0.3",
      "tags": { "Name": "web-2", "role": "web", "status": "boots", "note": "$(touch x); 'y' \\t" }
    },
    { "id": "i-00000000000000003", "tags": { "Name": "web-3", "status": "ready" } }
  ]
}
END
  node "$project/bin/nametag.js" sandbox --fleet "$work/fleet.json" --settle-max 0s \
    --faults shutting-down=0s --as i-00000000000000001 -- "$0" --inside "$work"
  exit
fi
work=$2
export NAMETAG_CONFIG=
cd "$work"

started=()
# Each is a job of this shell, so no other process can have its number.
trap 'kill "${started[@]}" 2> /dev/null || true; wait' EXIT

fail() {
  echo "check-serf: $*" >&2
  tail -n 5 "$work"/*.log >&2
  exit 1
}

start() {
  local log=$1
  shift
  "$@" > "$work/$log" 2>&1 &
  started+=($!)
}

# Waits until a command succeeds, half a minute at most.
await() {
  local tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "waited in vain for: $*"
    sleep 0.1
  done
}

# What a handler was given, a block a run: tags in the fourth field have no order in Serf.
cat > view << 'END'
#!/bin/sh
{
  env | grep '^SERF_' | LC_ALL=C sort
  while IFS= read -r line; do
    printf '%s\t' "$(printf '%s' "$line" | cut -f 1-3)"
    printf '%s' "$line" | cut -f 4 | tr ',' '\n' | LC_ALL=C sort | paste -sd , -
  done
  echo --
} >> "$OUT"
END
chmod +x view
events=member-join,member-leave,member-failed,member-update

has_runs() {
  [ -e "$1" ] && [ "$(grep -c '^--$' "$1")" -ge "$2" ]
}

ec2() {
  curl -fsS -o ec2.xml "$AWS_ENDPOINT_URL_EC2/" -d Version=2016-11-15 "$@"
}

tag() {
  ec2 -d Action=CreateTags -d "ResourceId.1=$1" -d "Tag.1.Key=$2" -d "Tag.1.Value=$3"
}

nametag() {
  node "$project/bin/nametag.js" "$@"
}

# The same life twice: joins, is retagged, leaves, joins again, fails.
second=i-00000000000000002
export NAMETAG_RUNTIME_DIR=$work/run
OUT=$work/ours start watch.log node "$project/bin/nametag.js" watch --ready --name web-1 \
  --name web-2 --interval 1h --handler "$events=$work/view"
await has_runs ours 1
tag "$second" status ready && nametag watch --poke
await has_runs ours 2
tag "$second" role api && nametag watch --poke
await has_runs ours 3
tag "$second" status drain && nametag watch --poke
await has_runs ours 4
tag "$second" status ready && nametag watch --poke
await has_runs ours 5
ec2 -d Action=TerminateInstances -d "InstanceId.1=$second" && nametag watch --poke
await has_runs ours 6

# The same of Serf's, without its own random delays between rounds of gossip on loopback.
serf_agent() {
  start "$1.log" serf agent -profile=local -node="$1" -bind="$2:7946" -rpc-addr="$2:7373" "${@:3}"
}
note="note=\$(touch x); 'y' \\t"
OUT=$work/serfs serf_agent web-1 127.0.0.2 -tag Name=web-1 -tag role=web -tag status=ready \
  -tag 'my-tag=a b' -event-handler="$events=$work/view"
await has_runs serfs 1
serf_agent web-2 127.0.0.3 -join=127.0.0.2 -tag Name=web-2 -tag role=web -tag status=ready \
  -tag "$note"
await has_runs serfs 2
serf tags -rpc-addr=127.0.0.3:7373 -set role=api > /dev/null
await has_runs serfs 3
serf leave -rpc-addr=127.0.0.3:7373 > /dev/null
await has_runs serfs 4
serf_agent web-2 127.0.0.3 -join=127.0.0.2 -tag Name=web-2 -tag role=api -tag status=ready \
  -tag "$note"
await has_runs serfs 5
kill -KILL "${started[-1]}"
wait "${started[-1]}" 2> /dev/null || true
await has_runs serfs 6

[ ! -e x ] || fail 'a tag was run'
diff -u serfs ours || fail 'handlers are not given the same'
told=$(grep -h '^SERF_EVENT=' ours | cut -d = -f 2 | paste -sd ' ' -)
echo "check-serf: $(serf version | head -n 1): a handler is given the same by both, field by field," \
  "of: $told"

# And the other way round: one user event has the watcher of each host refresh. Runtime folders of
# their own keep the three hosts apart on this machine.
kill "${started[0]}"
wait "${started[0]}" || true
for n in 1 2 3; do
  export NAMETAG_RUNTIME_DIR=$work/run-$n
  OUT=$work/host-$n start "watch-$n.log" node "$project/bin/nametag.js" watch --interval 1h \
    --name web-3 --handler "$events=$work/view"
  await has_runs "host-$n" 1
  start "agent-$n.log" serf agent -profile=local -node="host-$n" -bind="127.0.1.$n:7946" \
    -rpc-addr="127.0.1.$n:7373" -retry-join=127.0.1.1 -retry-interval=1s \
    -event-handler="user:nametag-refresh=node $project/bin/nametag.js watch --poke"
done
are_three() { [ "$(serf members -rpc-addr=127.0.1.1:7373 -status alive 2> /dev/null | wc -l)" = 3 ]; }
await are_three
tag i-00000000000000003 role cache
since=$(date +%s%N)
serf event -coalesce=false -rpc-addr=127.0.1.2:7373 nametag-refresh > /dev/null
for n in 1 2 3; do await has_runs "host-$n" 2; done
took=$((($(date +%s%N) - since) / 1000000))
for n in 1 2 3; do
  grep -q 'member-update' "host-$n" || fail "host-$n was told something else: $(cat "host-$n")"
done
echo "check-serf: one user event, and three watchers that ask once an hour have told of a flip:" \
  "$took ms, one second of which is for more to come"
