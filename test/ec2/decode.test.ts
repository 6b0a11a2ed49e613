import type { Instance as SdkInstance } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { decodeReservations, MalformedAnswer } from '../../src/ec2/decode.ts';

const bare: SdkInstance = {
  InstanceId: 'i-0a',
  State: { Name: 'running' },
  LaunchTime: new Date(1_000),
};

const decodeOne = (instance: SdkInstance) => decodeReservations([{ Instances: [instance] }])[0];

describe('decodeReservations', () => {
  test('reads every field', () => {
    const decoded = decodeOne({
      ...bare,
      AmiLaunchIndex: 2,
      InstanceType: 'm5.large',
      Placement: { AvailabilityZone: 'eu-west-1a' },
      VpcId: 'vpc-1',
      SubnetId: 'subnet-1',
      PrivateIpAddress: '10.0.0.1',
      PublicIpAddress: '192.0.2.1',
      PrivateDnsName: 'ip-10-0-0-1.example.org',
      PublicDnsName: 'one.example.org',
      NetworkInterfaces: [
        {
          Ipv6Addresses: [{ Ipv6Address: '2001:db8::1' }],
          Groups: [{ GroupId: 'sg-2', GroupName: 'second' }],
        },
        {
          Ipv6Addresses: [{ Ipv6Address: '2001:db8::2' }],
          Groups: [
            { GroupId: 'sg-1', GroupName: 'first' },
            { GroupId: 'sg-2', GroupName: 'second' },
          ],
        },
      ],
      SecurityGroups: [{ GroupId: 'sg-3', GroupName: 'third' }],
      Tags: [
        { Key: 'Name', Value: 'web-1' },
        { Key: '__proto__', Value: '' },
      ],
    });
    expect(decoded).toEqual({
      instanceId: 'i-0a',
      state: 'running',
      launchTimeMs: 1_000,
      launchIndex: 2,
      instanceType: 'm5.large',
      availabilityZone: 'eu-west-1a',
      vpcId: 'vpc-1',
      subnetId: 'subnet-1',
      privateIpAddress: '10.0.0.1',
      publicIpAddress: '192.0.2.1',
      ipv6Addresses: ['2001:db8::1', '2001:db8::2'],
      privateDnsName: 'ip-10-0-0-1.example.org',
      publicDnsName: 'one.example.org',
      securityGroups: [
        { groupId: 'sg-1', groupName: 'first' },
        { groupId: 'sg-2', groupName: 'second' },
        { groupId: 'sg-3', groupName: 'third' },
      ],
      tags: new Map([
        ['Name', 'web-1'],
        ['__proto__', ''],
      ]),
    });
  });

  test('reads an empty text as absent, and an instance without anything else', () => {
    const decoded = decodeOne({ ...bare, PublicDnsName: '', PrivateIpAddress: '', VpcId: '' });
    expect(decoded).toMatchObject({
      publicDnsName: undefined,
      privateIpAddress: undefined,
      vpcId: undefined,
      launchIndex: 0,
      securityGroups: [],
      ipv6Addresses: [],
      tags: new Map(),
    });
  });

  test('keeps the order of reservations and their instances', () => {
    const ids = (list: readonly string[]) => list.map((InstanceId) => ({ ...bare, InstanceId }));
    const decoded = decodeReservations([
      { Instances: ids(['i-2', 'i-1']) },
      {},
      { Instances: ids(['i-3']) },
    ]);
    expect(decoded.map(({ instanceId }) => instanceId)).toEqual(['i-2', 'i-1', 'i-3']);
  });

  test('reads an empty set as nobody', () => {
    expect(decodeReservations([])).toEqual([]);
  });

  const lacking = (field: keyof SdkInstance): SdkInstance => {
    const { [field]: _, ...rest } = bare;
    return rest;
  };
  test.each<[string, SdkInstance]>([
    ['an instance has no `instanceId`', lacking('InstanceId')],
    ['instance i-0a has no `instanceState`', lacking('State')],
    ['instance i-0a has no `launchTime`', lacking('LaunchTime')],
    ['instance i-0a has no `launchTime`', { ...bare, LaunchTime: new Date(Number.NaN) }],
    ['a tag of instance i-0a has no `key`', { ...bare, Tags: [{ Value: 'x' }] }],
    [
      'instance i-0a is in the unknown state "asleep"',
      JSON.parse('{ "InstanceId": "i-0a", "State": { "Name": "asleep" } }'),
    ],
  ])('says that %s', (message, instance) => {
    const decode = () => decodeOne(instance);
    expect(decode).toThrow(MalformedAnswer);
    expect(decode).toThrow(message);
  });

  test('says that an answer without a set of reservations is none', () => {
    expect(() => decodeReservations(undefined)).toThrow('it has no `reservationSet`');
  });
});
