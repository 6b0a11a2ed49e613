#!/usr/bin/env bash
# Drives the sandbox with the AWS command line, a client written by others: what it is answered is
# what AWS users expect. Where `aws` is not installed, says so and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! aws --version >/dev/null 2>&1; then
  echo 'check-aws-cli: left out, since the AWS command line is not installed (pip install awscli)'
  exit 0
fi
if [[ ! -f dist/sandbox/index.js ]]; then
  echo 'check-aws-cli: there is no dist/sandbox/index.js; run `npm run build` first' >&2
  exit 1
fi

work=$(mktemp -d)
node --input-type=module - >"$work/environment" <<'PROGRAM' &
import { startSandbox } from './dist/sandbox/index.js';

const sandbox = await startSandbox({
  knobs: { settleMaxMs: 0, pendingMs: 0, stoppingMs: 0, shuttingDownMs: 0 },
});
for (const [name, value] of Object.entries(await sandbox.environment())) {
  console.log(`export ${name}='${value}'`);
}
console.log('export READY=yes');
process.once('SIGTERM', () => sandbox.close());
PROGRAM
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null || true; rm -rf "$work"' EXIT

for _ in {1..100}; do
  grep -q READY "$work/environment" && break
  kill -0 "$sandbox" 2>/dev/null || exit 1
  sleep 0.1
done
unset AWS_PROFILE AWS_DEFAULT_PROFILE
# shellcheck disable=SC1091
source "$work/environment"
[[ $AWS_ENDPOINT_URL_EC2 == http://127.0.0.1:* ]]
export AWS_MAX_ATTEMPTS=1 AWS_PAGER=''

failures=0

ec2() {
  aws --endpoint-url "$AWS_ENDPOINT_URL_EC2" --output text ec2 "$@"
}

# expect TITLE WANTED ACTUAL
expect() {
  if [[ $2 == "$3" ]]; then
    echo "ok    $1"
  else
    printf 'FAIL  %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# refuse TITLE CODE COMMAND...: the command must fail with this error code.
refuse() {
  local title=$1 code=$2
  shift 2
  expect "$title" "$code" "$("$@" 2>&1 | sed -n 's/.*An error occurred (\([^)]*\)).*/\1/p')"
}

# words TEXT...: the words, sorted, one blank between: EC2 answers in no order.
words() {
  tr '[:space:]' '\n' <<<"$*" | sed '/^$/d' | LC_ALL=C sort | paste -sd ' '
}

ids() {
  words "$(ec2 describe-instances --query 'Reservations[].Instances[].InstanceId' "$@")"
}

state() {
  ec2 describe-instances --instance-ids "$1" --query 'Reservations[].Instances[].State.Name'
}

launch_time() {
  ec2 describe-instances --instance-ids "$1" --query 'Reservations[].Instances[].LaunchTime'
}

tag() {
  ec2 describe-tags --filters "Name=resource-id,Values=$1" "Name=key,Values=$2" --query 'Tags[].Value'
}

image=ami-0123456789abcdef0

# Launch: two instances with tags, in a group named as users name it.
launched=$(ec2 run-instances --image-id "$image" --count 2 --instance-type t3.micro \
  --security-groups dumbo \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=role,Value=a*b},{Key=batch,Value=1}]' \
  --query 'Instances[].InstanceId')
read -r one two <<<"$launched"
both=$(words "$launched")
expect 'run-instances answers two ids' 2 "$(wc -w <<<"$launched")"
expect 'a launched instance runs' running "$(state "$one")"

# Tags.
ec2 create-tags --resources "$two" --tags 'Key=role,Value=axb' 'Key=note,Value=<a & b>'
expect 'create-tags overwrites' axb "$(tag "$two" role)"
expect 'create-tags writes markup as it is' '<a & b>' "$(tag "$two" note)"
expect 'describe-instances shows tags' '1 a*b' "$(words "$(ec2 describe-instances \
  --instance-ids "$one" --query 'Reservations[].Instances[].Tags[].Value')")"

# Filters.
expect 'a tag with a wildcard finds both' "$both" "$(ids --filters 'Name=tag:role,Values=a*b')"
expect 'an escaped star finds one' "$one" "$(ids --filters 'Name=tag:role,Values=a\*b')"
expect 'filters must all hold' "$two" \
  "$(ids --filters 'Name=tag:batch,Values=1' 'Name=tag:role,Values=nothing,a?b' \
    'Name=tag-key,Values=note')"
expect 'a group and a state find those of the group that run' 4 \
  "$(ids --filters Name=instance.group-name,Values=tphon \
    Name=instance-state-name,Values=running | wc -w)"
expect 'a wildcard in a group name finds it' 5 \
  "$(ids --filters 'Name=instance.group-name,Values=tp*' | wc -w)"
expect 'an unknown id in a filter finds nobody' '' \
  "$(ids --filters Name=instance-id,Values=i-00000000000000000)"

# Pages.
all=$(ids)
expect 'pages of five give everybody' "$all" "$(ids --page-size 5)"
expect 'a page of five is five' 5 "$(ec2 describe-instances --max-results 5 \
  --query 'Reservations[].Instances[].InstanceId' --no-paginate | wc -w)"

# Stop and start.
before=$(launch_time "$one")
expect 'stop-instances tells both states' 'running stopping' "$(words "$(ec2 stop-instances \
  --instance-ids "$one" --query 'StoppingInstances[].[CurrentState.Name,PreviousState.Name]')")"
expect 'a stopped instance is stopped' stopped "$(state "$one")"
expect 'a stopped instance has no public address' None "$(ec2 describe-instances \
  --instance-ids "$one" --query 'Reservations[].Instances[].[PublicIpAddress]')"
sleep 1
ec2 start-instances --instance-ids "$one" >/dev/null
expect 'a started instance runs' running "$(state "$one")"
expect 'a started instance has a later launch time' later \
  "$([[ $(launch_time "$one") > $before ]] && echo later)"
expect 'terminate-instances tells both states' 'running shutting-down' "$(words "$(
  ec2 terminate-instances --instance-ids "$two" \
    --query 'TerminatingInstances[].[CurrentState.Name,PreviousState.Name]'
)")"
expect 'a terminated instance is still described' terminated "$(state "$two")"
expect 'a terminated instance keeps its tags' axb "$(tag "$two" role)"

# Deleting tags.
ec2 delete-tags --resources "$one" --tags Key=role,Value=other
expect 'delete-tags with another value deletes nothing' 'a*b' "$(tag "$one" role)"
ec2 delete-tags --resources "$one" --tags 'Key=role,Value=a*b'
expect 'delete-tags with the value deletes' '' "$(tag "$one" role)"
ec2 delete-tags --resources "$one" --tags Key=nothing
expect 'delete-tags of a key that is not there changes nothing' 1 "$(tag "$one" batch)"
ec2 delete-tags --resources "$one"
expect 'delete-tags without tags deletes all' '' "$(tag "$one" '*')"

# Security groups.
expect 'describe-security-groups finds by name' tphon "$(ec2 describe-security-groups \
  --filters 'Name=group-name,Values=tp*' --query 'SecurityGroups[].GroupName')"

# Refusals.
refuse 'a dry run is told' DryRunOperation ec2 create-tags --dry-run --resources "$one" \
  --tags Key=k,Value=v
expect 'a dry run writes nothing' '' "$(tag "$one" k)"
refuse 'an unknown id is refused' InvalidInstanceID.NotFound \
  ec2 describe-instances --instance-ids i-00000000000000000
refuse 'a malformed id is refused' InvalidInstanceID.Malformed \
  ec2 describe-instances --instance-ids web-0
refuse 'an unknown id is not tagged' InvalidInstanceID.NotFound \
  ec2 create-tags --resources i-00000000000000000 --tags Key=k,Value=v
refuse 'an unknown filter is refused' InvalidParameterValue \
  ec2 describe-instances --filters Name=colour,Values=red
refuse 'a reserved key is refused' InvalidParameterValue \
  ec2 create-tags --resources "$one" --tags Key=aws:k,Value=v
refuse 'an unknown group is refused' InvalidGroup.NotFound \
  ec2 run-instances --image-id "$image" --security-groups no-such-group
refuse 'another action is refused' InvalidAction ec2 describe-volumes

if ((failures > 0)); then
  echo "check-aws-cli: $failures failed" >&2
  exit 1
fi
echo "check-aws-cli: all is as AWS users expect ($(aws --version 2>&1 | cut -d ' ' -f 1))"
