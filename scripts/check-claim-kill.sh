#!/usr/bin/env bash
# Twenty real claim-name processes, many of them killed at random moments and run again, against a
# sandbox with late reads and lost answers. NAMETAG_SEED says what is killed when.
set -euo pipefail
cd "$(dirname "$0")/.."

npx vitest run --config vitest.slow.config.ts "${@:-test/whole}"
