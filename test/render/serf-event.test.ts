import { describe, expect, test } from 'vitest';
import type { Member } from '../../src/model/directory.ts';
import type { FleetEvent } from '../../src/model/event.ts';
import type { EventName } from '../../src/model/handler-spec.ts';
import { renderHandlerInput } from '../../src/render/serf-event.ts';
import { instance } from '../helpers/instances.ts';

const member = (name: string | undefined, tags: Record<string, string> = {}): Member => ({
  instance: instance({ instanceId: 'i-7', tags }),
  name,
  ownName: name,
  aliases: [],
  generation: undefined,
  ready: true,
});

const render = (event: EventName, events: readonly FleetEvent[], self?: Member) =>
  renderHandlerInput(
    { event, events },
    { self: { name: self?.name ?? 'laptop', member: self }, region: 'eu-west-1', ltime: 42 },
  );
const join = (joined: Member, self?: Member) =>
  render('member-join', [{ event: 'member-join', member: joined }], self);

describe('stdin', () => {
  test.each<[Member, string]>([
    [member('web-1', { role: 'web' }), 'web-1\t10.0.0.1\tweb\trole=web\n'],
    [member(undefined), 'i-7\t10.0.0.1\t\t\n'],
    [member('a', { z: '1', b: '2,c=3' }), 'a\t10.0.0.1\t\tb=2,c=3,z=1\n'],
    [member('a', { role: 'x\ty\nz' }), 'a\t10.0.0.1\tx\\ty\\nz\trole=x\\ty\\nz\n'],
    [member('a', { b: '\\t' }), 'a\t10.0.0.1\t\tb=\\t\n'],
    [member('a', { 'nametag:claim': 'held=a', 'nametag:wants': 'b 1' }), 'a\t10.0.0.1\t\t\n'],
  ])('is a line a member, cleaned as Serf does: case %#', (joined, line) => {
    expect(join(joined).stdin).toBe(line);
  });

  test('of a conflict is the name, the winner and the losers', () => {
    const conflict = { name: 'web-1', winner: 'i-1', losers: ['i-2', 'i-3'] };
    const { stdin, env } = render('conflict', [{ event: 'conflict', conflict }]);
    expect(stdin).toBe('web-1\ti-1\ti-2,i-3\n');
    expect(env).toMatchObject({ SERF_EVENT: 'user', SERF_USER_EVENT: 'conflict' });
  });
});

describe('environment', () => {
  test('has what Serf sets, and ours beside', () => {
    const self = member('web-7', { role: 'web', 'my-tag': 'x', ı: 'dotless', ß: 'sharp' });
    expect(join(member('a'), self).env).toEqual({
      SERF_EVENT: 'member-join',
      SERF_SELF_NAME: 'web-7',
      SERF_SELF_ROLE: 'web',
      SERF_TAG_ROLE: 'web',
      SERF_TAG_MY_TAG: 'x',
      SERF_TAG_I: 'dotless',
      SERF_TAG__: 'sharp',
      NAMETAG_EVENT: 'member-join',
      NAMETAG_REGION: 'eu-west-1',
      NAMETAG_SELF_ID: 'i-7',
      NAMETAG_SELF_ADDRESS: '10.0.0.1',
    });
  });

  test('of a name is that of a user event', () => {
    const gained: FleetEvent = { event: 'name-gained', name: 'web-1', member: member('web-1') };
    expect(render('name-gained', [gained]).env).toMatchObject({
      SERF_EVENT: 'user',
      SERF_USER_EVENT: 'name-gained',
      SERF_USER_LTIME: '42',
      SERF_SELF_NAME: 'laptop',
    });
  });

  test('is the first of two keys that become one variable, and holds no NUL', () => {
    const { env } = join(member('a'), member('a', { 'a.b': 'dot', 'a-b': 'da\0sh' }));
    expect(env['SERF_TAG_A_B']).toBe('da\ufffdsh');
  });
});

test('the file says of a member all that is known, and null of what is not', () => {
  const instanceOf = instance({
    ...{ instanceId: 'i-1', groups: ['web'], ipv6Addresses: ['2001:db8::1'] },
    ...{ privateIpAddress: undefined, availabilityZone: undefined, vpcId: undefined },
    tags: { role: 'web', 'nametag:claim': 'x' },
  });
  const [change] = JSON.parse(join({ ...member('a'), instance: instanceOf }).json).changes;
  expect(change).toEqual({
    name: 'a',
    self: false,
    instanceId: 'i-1',
    state: 'running',
    ready: true,
    aliases: [],
    generation: null,
    privateIpAddress: null,
    publicIpAddress: null,
    ipv6Addresses: ['2001:db8::1'],
    availabilityZone: null,
    vpcId: null,
    securityGroups: ['web'],
    tags: { role: 'web' },
  });
});

test('the file says how a member was, what has changed, and why one is gone', () => {
  const updated: FleetEvent = {
    ...{ event: 'member-update', member: member('a'), before: member('b'), aspects: ['tags'] },
  };
  const failed: FleetEvent = { event: 'member-failed', member: member('a'), evidence: 'stopped' };
  const changesOf = (event: FleetEvent) => JSON.parse(render(event.event, [event]).json).changes;
  expect(changesOf(updated)).toMatchObject([
    { name: 'a', changed: ['tags'], before: { name: 'b', ready: true } },
  ]);
  expect(changesOf(failed)).toMatchObject([{ name: 'a', evidence: 'stopped' }]);
});

test('the file tells apart what a line cannot', () => {
  const comma = member('a', { b: '2,c=3' });
  const apart = member('a', { b: '2', c: '3' });
  expect(join(comma).stdin).toBe(join(apart).stdin);
  expect(JSON.parse(join(comma, comma).json)).toMatchObject({
    version: 1,
    event: 'member-join',
    self: { instanceId: 'i-7' },
    changes: [{ name: 'a', self: true, instanceId: 'i-7', tags: { b: '2,c=3' } }],
  });
});
