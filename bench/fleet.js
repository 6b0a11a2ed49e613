/**
 * A fleet file for the sandbox with as many instances as are asked for, each with ten tags, two
 * security groups and one network interface: about 7 KB of XML, as of an ordinary instance of EC2.
 */
export function fleetOf(size) {
  const instances = Array.from({ length: size }, (_, ordinal) => ({
    groups: ['tphon', 'base'],
    privateIp: addressOf(ordinal),
    tags: {
      Name: `web-${ordinal}`,
      'nametag:claim': `held=web-${ordinal} boot=2026-11-20T23:52:31Z`,
      status: 'ready',
      env: 'prod',
      role: 'web',
      team: 'search platform',
      owner: 'ops@example.org',
      version: `2026.11.${ordinal % 30}`,
      'cost-center': '4711',
      'aws-backup': 'daily',
    },
  }));
  return { groups: [{ name: 'tphon' }, { name: 'base' }], instances };
}

/** Gives each an address of 10.0.0.0/8, since a subnet of the sandbox has 4,092. */
function addressOf(ordinal) {
  const host = ordinal + 4;
  return `10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`;
}
