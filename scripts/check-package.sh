#!/usr/bin/env bash
# Installs the packed package into an empty folder and runs its programs from there.
set -euo pipefail
cd "$(dirname "$0")/.."

npx publint --strict
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" > /dev/null
(
  cd "$work"
  npm init --yes > /dev/null
  npm install --silent ./nametag-*.tgz
  npx nametag --version
  npx nametag sandbox -- nametag resolve --group tphon --ready -o addrs
  npx nametag sandbox -- resolve --group tphon --ready -o csv
  cat > lookup.mjs <<'JS'
import { defineServices, openDirectory } from 'nametag';
const services = defineServices({ postgres: { group: 'tphon', port: 5432, pick: 'one' } });
const directory = await openDirectory({ services });
console.log(directory.postgres.url('postgres'));
JS
  npx nametag sandbox -- node lookup.mjs
)
echo 'check-package: the packed package works'
