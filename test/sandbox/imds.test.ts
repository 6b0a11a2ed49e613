import { describe, expect, test } from 'vitest';
import { MetadataService } from '../../src/sandbox/imds.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { plainWorld } from './worlds.ts';

function service(knobs: { instanceTags?: boolean } = {}) {
  const { world, time } = plainWorld(knobs);
  const web = world.addGroup({ groupName: 'web', groupId: 'sg-0aaaaaaaaaaaaaaaa' });
  const db = world.addGroup({ groupName: 'db', groupId: 'sg-0bbbbbbbbbbbbbbbb' });
  const { facts } = world.place({
    instanceId: 'i-0123456789abcdef0',
    groups: [web, db],
    privateIpAddress: '172.31.0.9',
    publicIpAddress: '198.18.0.9',
    ipv6Addresses: ['2001:db8::9'],
    moreInterfaces: [{ groups: [db] }],
    tags: new Map([['Name', 'web-0']]),
  });
  const imds = new MetadataService(world, facts.instanceId, () => time.nowMs, createRandom(1));
  const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
    imds.answer({ method, path, headers });
  const token = (ttl = '60') =>
    ask('PUT', '/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': ttl });
  const get = (path: string) =>
    ask('GET', path, { 'x-aws-ec2-metadata-token': token()?.body ?? '' });
  return { world, time, facts, ask, token, get };
}

describe('the metadata service', () => {
  test.each([
    ['/latest/meta-data/instance-id', 'i-0123456789abcdef0'],
    ['/latest/meta-data/local-ipv4', '172.31.0.9'],
    ['/latest/meta-data/public-ipv4', '198.18.0.9'],
    ['/latest/meta-data/ipv6', '2001:db8::9'],
    ['/latest/meta-data/local-hostname', 'ip-172-31-0-9.eu-west-1.compute.internal'],
    ['/latest/meta-data/placement/region', 'eu-west-1'],
    ['/latest/meta-data/placement/availability-zone', 'eu-west-1a'],
    ['/latest/meta-data/security-groups', 'web\ndb'],
    ['/latest/meta-data/placement', 'availability-zone\nregion'],
    ['/latest/meta-data/placement/', 'availability-zone\nregion'],
    ['/latest/meta-data/iam/security-credentials/', 'nametag-sandbox'],
    ['/latest', 'dynamic/\nmeta-data/'],
  ])('answers %s', (path, body) => {
    expect(service().get(path)).toEqual({ status: 200, body });
  });

  test('tells of each network interface', () => {
    const { get, facts } = service();
    const [first, second] = facts.networkInterfaces;
    const under = (mac: string | undefined, path: string) =>
      get(`/latest/meta-data/network/interfaces/macs/${mac}/${path}`);
    expect(get('/latest/meta-data/network/interfaces/macs/')?.body.split('\n')).toEqual(
      [`${first.macAddress}/`, `${second?.macAddress}/`].toSorted(),
    );
    expect(get('/latest/meta-data/mac')?.body).toBe(first.macAddress);
    expect(under(first.macAddress, 'vpc-id')?.body).toBe(facts.vpcId);
    expect(under(first.macAddress, 'subnet-id')?.body).toBe(facts.subnetId);
    expect(under(first.macAddress, 'security-group-ids')?.body).toBe(
      'sg-0aaaaaaaaaaaaaaaa\nsg-0bbbbbbbbbbbbbbbb',
    );
    expect(under(second?.macAddress, 'security-groups')?.body).toBe('db');
    expect(under(first.macAddress, 'public-ipv4s')?.body).toBe('198.18.0.9');
    expect(under(second?.macAddress, 'public-ipv4s')?.status).toBe(404);
    expect(under(second?.macAddress, 'ipv6s')?.status).toBe(404);
  });

  test('has an identity document and credentials in JSON', () => {
    const { get } = service();
    expect(JSON.parse(get('/latest/dynamic/instance-identity/document')?.body ?? '')).toMatchObject(
      { instanceId: 'i-0123456789abcdef0', region: 'eu-west-1', privateIp: '172.31.0.9' },
    );
    const path = '/latest/meta-data/iam/security-credentials/nametag-sandbox';
    expect(JSON.parse(get(path)?.body ?? '')).toMatchObject({ Code: 'Success', Type: 'AWS-HMAC' });
  });

  test.each([
    ['no token', 'GET', '/latest/meta-data/instance-id', {}, 401],
    ['a made up one', 'GET', '/latest/', { 'x-aws-ec2-metadata-token': 'x' }, 401],
    ['no time to live', 'PUT', '/latest/api/token', {}, 400],
    ['0 seconds', 'PUT', '/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '0' }, 400],
    [
      'too many seconds',
      'PUT',
      '/latest/api/token',
      { 'x-aws-ec2-metadata-token-ttl-seconds': '21601' },
      400,
    ],
    [
      'a proxy between',
      'PUT',
      '/latest/api/token',
      { 'x-aws-ec2-metadata-token-ttl-seconds': '60', 'x-forwarded-for': '10.0.0.1' },
      403,
    ],
    [
      'a version in the path',
      'PUT',
      '/2021-01-03/api/token',
      { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
      403,
    ],
    ['another method', 'POST', '/latest/', {}, 405],
  ])('refuses %s: %s %s', (_, method, path, headers, status) => {
    expect(service().ask(method, path, headers as Record<string, string>)?.status).toBe(status);
  });

  test('takes a token until its time is over', () => {
    const { token, ask, time } = service();
    const answer = token('21600');
    expect(answer?.headers).toEqual({ 'x-aws-ec2-metadata-token-ttl-seconds': '21600' });
    const headers = { 'x-aws-ec2-metadata-token': answer?.body ?? '' };
    time.nowMs += 21_600_000 - 1;
    expect(ask('GET', '/latest/meta-data/instance-id', headers)?.status).toBe(200);
    time.nowMs += 1;
    expect(ask('GET', '/latest/meta-data/instance-id', headers)?.status).toBe(401);
  });

  test('answers 404 for what an instance does not have', () => {
    const { get } = service();
    for (const path of ['nope', 'instance-id/more', 'tags/', 'tags/instance/Name']) {
      expect(get(`/latest/meta-data/${path}`)?.status).toBe(404);
    }
  });

  test('shows tags, as they are now, when instance tags are on', () => {
    const { get, world, facts } = service({ instanceTags: true });
    const tags = [{ key: 'nametag:claim', value: 'held=web-0' }];
    world.createTags({ resources: [facts.instanceId], tags });
    expect(get('/latest/meta-data/tags/instance')?.body).toBe('Name\nnametag:claim');
    expect(get('/latest/meta-data/tags/instance/nametag%3Aclaim')?.body).toBe('held=web-0');
    expect(get('/latest/meta-data/tags/instance/%zz')?.status).toBe(404);
  });

  test('is silent where the machine does not run', () => {
    const { token, world, time, facts } = service();
    world.stopInstances({ instanceIds: [facts.instanceId] });
    time.nowMs += 60_000;
    expect(token()).toBeUndefined();
  });
});
