import { describe, expect, it } from 'vitest';
import type { InstanceQuery } from '../src/model/query.ts';
import type { Ec2 } from '../src/ports.ts';
import { withinVpc } from '../src/within-vpc.ts';
import { instance, snapshot } from './helpers/instances.ts';

/** An EC2 that answers more than it was asked for, as the port may. */
function setUp() {
  const asked: (readonly InstanceQuery[])[] = [];
  const tagged: string[] = [];
  const ec2: Ec2 = {
    region: 'eu-west-1',
    describeInstances: async (queries) => {
      asked.push(queries);
      return snapshot(
        instance({ instanceId: 'i-1', vpcId: 'vpc-1' }),
        instance({ instanceId: 'i-2', vpcId: 'vpc-2' }),
        instance({ instanceId: 'i-3', vpcId: undefined }),
      );
    },
    createTags: async (instanceId) => void tagged.push(instanceId),
  };
  return { ec2, asked, tagged };
}

describe('withinVpc', () => {
  it('asks for one VPC, whichever a query had, and gives nobody else', async () => {
    const { ec2, asked } = setUp();
    const scoped = withinVpc(ec2, 'vpc-1');
    const { instances, region } = await scoped.describeInstances([
      { instanceIds: ['i-9'] },
      { vpcIds: ['vpc-1', 'vpc-2'], tagKey: 'x' },
    ]);
    expect(asked).toEqual([
      [
        { instanceIds: ['i-9'], vpcIds: ['vpc-1'] },
        { vpcIds: ['vpc-1'], tagKey: 'x' },
      ],
    ]);
    expect(instances.map((i) => i.instanceId)).toEqual(['i-1']);
    expect([region, scoped.region]).toEqual(['eu-west-1', 'eu-west-1']);
  });

  it('gives others too when only EC2 is relied on (the control)', async () => {
    const { ec2 } = setUp();
    const { instances } = await ec2.describeInstances([{ vpcIds: ['vpc-1'] }]);
    expect(instances.map((i) => i.instanceId)).toContain('i-2');
  });

  it('writes as ever', async () => {
    const { ec2, tagged } = setUp();
    await withinVpc(ec2, 'vpc-1').createTags('i-1', new Map([['a', 'b']]));
    expect(tagged).toEqual(['i-1']);
  });
});
