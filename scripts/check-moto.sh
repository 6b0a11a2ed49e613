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

if ! command -v aws >/dev/null; then
  echo 'check-moto: the comparison with the aws program is left out, since it is not installed'
  exit 0
fi

# The same questions through nametag and through the aws program must have the same answers.
work=$(mktemp -d)
trap 'kill "$moto" 2>/dev/null || true; rm -rf "$log" "$work"' EXIT
# A region of its own: the tests before have left instances in theirs.
export AWS_ENDPOINT_URL=$endpoint AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
export AWS_ACCESS_KEY_ID=moto AWS_SECRET_ACCESS_KEY=moto AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export NAMETAG_RUNTIME_DIR=$work/run

ec2() {
  aws --endpoint-url "$endpoint" --output text ec2 "$@"
}

nametag() {
  node bin/nametag.js "$@"
}

same() {
  local what=$1 ours=$2 theirs=$3
  if [[ $ours != "$theirs" || -z $ours ]]; then
    printf 'check-moto: %s differs\nnametag:\n%s\naws:\n%s\n' "$what" "$ours" "$theirs" >&2
    exit 1
  fi
  echo "check-moto: $what: the same as through aws"
}

addresses='Reservations[].Instances[].PrivateIpAddress'
image=$(ec2 describe-images --owners amazon --query 'Images[0].ImageId')
group=$(ec2 create-security-group --group-name tphon --description tphon --query GroupId)
for status in ready ready drain; do
  ec2 run-instances --image-id "$image" --security-group-ids "$group" --query '[]' \
    --tag-specifications "ResourceType=instance,Tags=[{Key=status,Value=$status}]" >/dev/null
done
ids=$(ec2 describe-instances --filters Name=instance.group-name,Values=tphon \
  --query 'Reservations[].Instances[].InstanceId')

running=(--filters Name=instance-state-name,Values=running Name=instance.group-name,Values=tphon)
same 'resolve --group --ready' \
  "$(nametag resolve --group tphon --ready | sort)" \
  "$(ec2 describe-instances "${running[@]}" Name=tag:status,Values=ready --query "$addresses" |
    tr '\t' '\n' | sort)"
same 'resolve --group GROUP-ID --not-tag' \
  "$(nametag resolve --group "$group" --not-tag status=ready)" \
  "$(ec2 describe-instances "${running[@]}" Name=tag:status,Values=drain --query "$addresses")"

for id in $ids; do
  nametag claim-name --service tphon --settle 50ms --instance-id "$id" >>"$work/names"
done
same 'claim-name' \
  "$(sort "$work/names")" \
  "$(ec2 describe-tags --filters Name=key,Values=Name --query 'Tags[].Value' | tr '\t' '\n' | sort)"
same 'hosts' \
  "$(nametag hosts | sort)" \
  "$(ec2 describe-instances "${running[@]}" --query \
    "Reservations[].Instances[].[PrivateIpAddress, Tags[?Key=='Name'] | [0].Value]" | sort)"
