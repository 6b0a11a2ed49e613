#!/usr/bin/env bash
# Notices to systemd by its own systemd-notify, heard on a socket as systemd hears them, and the
# unit of docs/watch.md before systemd-analyze. Says so where systemd is not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in systemd-notify systemd-analyze python3; do
  if ! command -v "$program" > /dev/null; then
    echo "check-systemd: left out, there is no $program here"
    exit 0
  fi
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The unit, with a program that is there.
awk '/^```ini$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/watch.md |
  sed 's|/usr/bin/nametag|/bin/true|' > "$folder/nametag.service"
grep -q '^Type=notify$' "$folder/nametag.service"
systemd-analyze verify "$folder/nametag.service"
# The control: it does complain.
sed 's/^WatchdogSec=60$/WatchdogSecs=60/' "$folder/nametag.service" > "$folder/wrong.service"
systemd-analyze verify "$folder/wrong.service" 2>&1 | grep -q WatchdogSecs

cat > "$folder/listen.py" << 'PY'
import os, socket, sys
path, count = sys.argv[1], int(sys.argv[2])
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(path)
receiver.settimeout(20)
print('listening', flush=True)
while count > 0:
    text, sent, _, _ = socket.recv_fds(receiver, 4096, 4)
    for fd in sent:
        os.close(fd)
    # Each notice is followed by a barrier, which is passed when what came with it is closed.
    if text.startswith(b'BARRIER='):
        count -= 1
    else:
        print(text.decode().strip().replace('\n', '|'), flush=True)
PY
# listen COUNT: until so many notices have come.
listen() {
  rm -f "$folder/heard" "$folder/socket"
  python3 "$folder/listen.py" "$folder/socket" "$1" > "$folder/heard" &
  listener=$!
  until [ -s "$folder/heard" ]; do sleep 0.05; done
}
listen 4

NOTIFY_SOCKET="$folder/socket" WATCHDOG_USEC=60000000 node --input-type=module -e "
  import { systemd } from './dist/host/systemd-notify.js';
  const manager = systemd();
  const facts = await Promise.all([
    manager.notify({ state: 'ready', status: '12 instances, age 8 s' }),
    manager.notify({ state: 'reloading' }),
    manager.notify({ alive: true }),
    manager.notify({ state: 'stopping' }),
  ]);
  console.log(facts.filter((fact) => fact !== undefined).join() || 'told', manager.aliveEveryMs);
" > "$folder/said"
wait "$listener"
diff - "$folder/said" <<< 'told 30000'
diff - "$folder/heard" << 'HEARD'
listening
READY=1|STATUS=12 instances, age 8 s
RELOADING=1
WATCHDOG=1
STOPPING=1
HEARD

# A whole watcher, from its first answer to its end; what it runs is not heard in its name.
listen 4
NOTIFY_SOCKET="$folder/socket" NAMETAG_CONFIG='' node bin/nametag.js sandbox -- \
  node bin/nametag.js watch --interval 1h --handler '*=systemd-notify STATUS=mine' \
  > "$folder/log" 2>&1 &
sandbox=$!
until grep -q ^READY "$folder/heard" && grep -q fleet-changed "$folder/log"; do sleep 0.05; done
watcher=$(pgrep -P "$sandbox")
kill -HUP "$watcher"
until grep -q ^RELOADING "$folder/heard" && [ "$(grep -c ^READY "$folder/heard")" = 2 ]; do
  sleep 0.05
done
kill -TERM "$watcher"
wait "$sandbox"
wait "$listener"
status='[0-9]* instances as of 20[-0-9]*T[:0-9]*Z'
sed "s/$status/N instances/" "$folder/heard" | diff - <(printf '%s\n' listening \
  'READY=1|STATUS=N instances' RELOADING=1 'READY=1|STATUS=N instances' STOPPING=1)
grep -q handler-failed "$folder/log"
echo 'check-systemd: systemd hears what it is told, and takes the unit'
