import { describe, expect, test } from 'vitest';
import { renderFacts, renderTable, type WhoamiFacts } from '../../src/render/whoami.ts';

const full: WhoamiFacts = {
  instanceId: 'i-1',
  region: 'eu-west-1',
  availabilityZone: 'eu-west-1a',
  privateIpAddress: '10.0.0.1',
  publicIpAddress: '192.0.2.1',
  vpcId: 'vpc-1',
  securityGroups: ['tphon', 'default'],
  name: 'db-master',
  aliases: ['cache', 'db'],
  generation: 7,
  ready: true,
  services: ['db', 'web'],
};
const bare: WhoamiFacts = {
  ...full,
  publicIpAddress: null,
  vpcId: null,
  securityGroups: [],
  name: null,
  aliases: [],
  generation: null,
  ready: false,
  services: [],
};

describe('renderTable', () => {
  test('writes a fact a line, values below each other', () => {
    expect(renderTable(full)).toBe(
      [
        'instance-id         i-1',
        'region              eu-west-1',
        'availability-zone   eu-west-1a',
        'private-ip-address  10.0.0.1',
        'public-ip-address   192.0.2.1',
        'vpc-id              vpc-1',
        'security-groups     tphon,default',
        'name                db-master',
        'aliases             cache,db',
        'generation          7',
        'ready               true',
        'services            db,web',
        '',
      ].join('\n'),
    );
  });

  test('leaves out what there is none of', () => {
    const keys = renderTable(bare)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(keys).toEqual([
      'instance-id',
      'region',
      'availability-zone',
      'private-ip-address',
      'ready',
    ]);
  });
});

describe('renderFacts', () => {
  test('writes external facts', () => {
    expect(renderFacts(full)).toBe(
      [
        'nametag_instance_id=i-1',
        'nametag_region=eu-west-1',
        'nametag_availability_zone=eu-west-1a',
        'nametag_private_ip_address=10.0.0.1',
        'nametag_public_ip_address=192.0.2.1',
        'nametag_vpc_id=vpc-1',
        'nametag_security_groups=tphon,default',
        'nametag_name=db-master',
        'nametag_aliases=cache,db',
        'nametag_generation=7',
        'nametag_ready=true',
        'nametag_services=db,web',
        '',
      ].join('\n'),
    );
  });

  test('writes the generation 0, which is a number and not nothing', () => {
    expect(renderFacts({ ...bare, generation: 0 })).toContain('nametag_generation=0\n');
  });

  test.each([
    ['a\nnametag_name=db-master', 'a?nametag_name=db-master'],
    ['a\r\u2028b', 'a??b'],
    ['\u001B[31mred', '?[31mred'],
    ['b\u00FCcher', 'b?cher'],
  ])('keeps a value such as %j in its line', (value, shown) => {
    const lines = renderFacts({ ...bare, securityGroups: [value], services: [value] }).split('\n');
    expect(lines).toContain(`nametag_security_groups=${shown}`);
    expect(lines).toContain(`nametag_services=${shown}`);
    expect(renderTable({ ...bare, services: [value] })).toContain(`  ${shown}\n`);
  });
});
