/** The contract against moto, an EC2 that others wrote. Run by scripts/check-moto.sh. */
import {
  CreateSecurityGroupCommand,
  DescribeSubnetsCommand,
  EC2Client,
  RunInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { openEc2 } from '../../src/ec2/gateway.ts';
import { type Cast, type Differences, describeEc2Contract, type Stage } from './ec2.ts';
import { hurry } from './hurry.ts';

const noGroupFilter = 'moto cannot filter by the groups of network interfaces';
const differences: Differences = {
  'finds all of a zone': 'moto compares the zone with the whole placement',
  'finds nobody else of a group': noGroupFilter,
  'says that a key is refused': 'moto takes keys that begin with `aws:`',
  'says that an instance is unknown': 'moto tags what is not there',
};

async function moto(): Promise<Stage> {
  const endpoint = process.env['NAMETAG_MOTO_ENDPOINT'];
  if (endpoint === undefined) throw new TypeError('Run this by scripts/check-moto.sh.');
  const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const region = 'eu-west-1';
  const client = new EC2Client({ region, endpoint, credentials });
  return {
    ec2: await openEc2({ region, endpoint, env }),
    enter: (cast) => enterMoto(client, cast),
    settle: async () => {},
    hurry,
    close: async () => client.destroy(),
  };
}

async function enterMoto(client: EC2Client, cast: readonly Cast[]): Promise<string[]> {
  const { Subnets } = await client.send(new DescribeSubnetsCommand({}));
  const subnet = Subnets?.[0];
  const groups = new Map<string, string>();
  for (const name of new Set(cast.map(({ group }) => group))) {
    const { GroupId } = await client.send(
      new CreateSecurityGroupCommand({
        GroupName: name,
        Description: name,
        VpcId: subnet?.VpcId,
      }),
    );
    groups.set(name, GroupId!);
  }
  const ids: string[] = [];
  for (const { group, state, tags } of cast) {
    const { Instances } = await client.send(
      new RunInstancesCommand({
        ImageId: 'ami-12c6146b',
        MinCount: 1,
        MaxCount: 1,
        SubnetId: subnet?.SubnetId,
        SecurityGroupIds: [groups.get(group)!],
        TagSpecifications: [
          {
            ResourceType: 'instance',
            Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
          },
        ],
      }),
    );
    const id = Instances![0]!.InstanceId!;
    if (state === 'stopped') await client.send(new StopInstancesCommand({ InstanceIds: [id] }));
    ids.push(id);
  }
  return ids;
}

describeEc2Contract('moto', moto, differences);
