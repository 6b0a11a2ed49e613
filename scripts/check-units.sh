#!/usr/bin/env bash
# Lets systemd look at the units that the docs show. Where it is not there, it says so and checks
# nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v systemd-analyze > /dev/null; then
  echo 'check-units: left out: it takes systemd-analyze(1)'
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A unit is the first ini block after its path.
awk -v work="$work" '
  match($0, /`\/etc\/systemd\/system\/[^`]+`/) { unit = substr($0, RSTART + 21, RLENGTH - 22) }
  /^```$/ { inside = 0 }
  inside { print > (work "/" unit) }
  /^```ini$/ && unit != "" { inside = 1 }
' docs/*.md

units=("$work"/*)
[ -e "${units[0]}" ] || { echo 'check-units: the docs have no units' >&2 && exit 1; }
# The program need not be installed here.
sed -i 's|=/usr/bin/nametag |=/usr/bin/env nametag |' "${units[@]}"
# It exits with 0 whatever it finds odd, so what counts is that it says nothing.
said=$(systemd-analyze verify "${units[@]}" 2>&1) || said="$said (exit $?)"
[ -z "$said" ] || { echo "check-units: $said" >&2 && exit 1; }

# The control: a wrong value is told.
printf '[Timer]\nAccuracySec=soon\n' > "$work/wrong.timer"
[ -n "$(systemd-analyze verify "$work/wrong.timer" 2>&1)" ] ||
  { echo 'check-units: systemd-analyze tells nothing of a wrong value' >&2 && exit 1; }
echo "check-units: systemd finds nothing wrong with ${units[*]##*/}"
