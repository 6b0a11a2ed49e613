/**
 * A fleet file for the sandbox with as many instances as are asked for, each with ten tags, two
 * security groups and one network interface: about 7 KB of XML, as of an ordinary instance of EC2.
 */
export function fleetOf(size) {
  const instances = Array.from({ length: size }, (_, ordinal) => ({
    groups: ['tphon', 'base'],
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
