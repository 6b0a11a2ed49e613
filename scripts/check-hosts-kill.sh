#!/usr/bin/env bash
# Real processes that are killed at each step of writing a file, and a reader that looks on during
# ten thousand rewrites.
set -euo pipefail
cd "$(dirname "$0")/.."

npx vitest run --config vitest.slow.config.ts test/host "$@"
