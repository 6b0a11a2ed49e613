#!/usr/bin/env bash
# Runs the tests that need an EC2 written by others: moto_server, on a free port of loopback.
# Where moto is not installed, says so and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! moto_server --help >/dev/null 2>&1; then
  echo 'check-moto: left out, since moto_server is not installed (pip install "moto[server,ec2]")'
  exit 0
fi

log=$(mktemp)
moto_server --host 127.0.0.1 --port 0 >"$log" 2>&1 &
moto=$!
trap 'kill "$moto" 2>/dev/null || true; rm -f "$log"' EXIT

# It tells the port that it was given on a line of its own, some seconds after its start.
for _ in {1..150}; do
  endpoint=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$log" | head -n 1 || true)
  [[ -n $endpoint ]] && break
  if ! kill -0 "$moto" 2>/dev/null; then
    cat "$log" >&2
    exit 1
  fi
  sleep 0.2
done
if [[ -z $endpoint ]]; then
  echo 'check-moto: moto_server did not say where it listens' >&2
  exit 1
fi

echo "check-moto: against moto_server at $endpoint"
NAMETAG_MOTO_ENDPOINT=$endpoint npx vitest run --config vitest.moto.config.ts "$@"
