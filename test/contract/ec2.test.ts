import { openEc2 } from '../../src/ec2/gateway.ts';
import { createWorldEc2 } from '../../src/sandbox/ec2-port.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { World } from '../../src/sandbox/world.ts';
import { type Cast, describeEc2Contract, type Stage } from './ec2.ts';
import { hurry } from './hurry.ts';

function enterWorld(world: World, cast: readonly Cast[]): readonly string[] {
  const names = new Set(cast.map(({ group }) => group));
  const groups = new Map([...names].map((name) => [name, world.addGroup({ groupName: name })]));
  return cast.map(({ group, state, tags }) => {
    const { groupId, groupName } = groups.get(group)!;
    return world.place({ groups: [{ groupId, groupName }], state, tags }).facts.instanceId;
  });
}

async function inProcess(): Promise<Stage> {
  const clock = new ManualClock();
  const world = new World({ now: () => clock.wallMs() });
  const port = createWorldEc2({ world, clock });
  return {
    ec2: {
      region: port.region,
      describeInstances: (...call) => clock.run(port.describeInstances(...call)),
      createTags: (...call) => clock.run(port.createTags(...call)),
    },
    enter: async (cast) => enterWorld(world, cast),
    settle: () => clock.advance(world.knobs.settleMaxMs),
    hurry: (call) => call(),
    close: async () => {},
  };
}

async function overHttp(): Promise<Stage> {
  const fleet = { region: 'eu-west-1', groups: [], instances: [] };
  const sandbox = await startSandbox({ fleet, knobs: { settleMaxMs: 0 } });
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = await sandbox.environment();
  const env = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  return {
    ec2: await openEc2({ region: sandbox.region, endpoint: sandbox.endpoint, env }),
    enter: async (cast) => enterWorld(sandbox.world, cast),
    settle: async () => {},
    hurry,
    close: () => sandbox.close(),
  };
}

describeEc2Contract('the world of the sandbox', inProcess);
describeEc2Contract('the gateway, over HTTP to the sandbox,', overHttp);
