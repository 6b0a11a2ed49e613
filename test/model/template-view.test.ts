import { describe, expect, it } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { toTemplateView } from '../../src/model/template-view.ts';
import { instance, snapshot } from '../helpers/instances.ts';

const host = (n: number, tags: Readonly<Record<string, string>> = {}) =>
  instance({
    instanceId: `i-${n}`,
    privateIpAddress: `10.0.0.${n}`,
    groups: ['web', 'all hosts'],
    tags: { Name: `web-${n}`, ...tags },
  });

const directory = toDirectory(
  snapshot(
    host(10, { 'service:db': 'blue port=5432 priority=5 weight=3', 'service:a': '' }),
    host(2, { 'service:db': 'port=5433', 'service:Bad Name': 'port=1' }),
    host(3, { 'service:db': 'port=99999' }),
    instance({ instanceId: 'i-4', privateIpAddress: undefined }),
  ),
);

describe('toTemplateView', () => {
  it('has instances in the order of the directory, without those that have no address', () => {
    const { instances, region } = toTemplateView(directory, { selector: {} });
    expect(region).toBe('eu-west-1');
    expect(instances.map(({ name }) => name)).toEqual(['web-2', 'web-3', 'web-10']);
    expect(instances[0]).toMatchObject({ port: null, priority: 0, weight: 1, labels: [] });
    expect(instances[0]?.fqdn).toBeNull();
    expect(instances[0]).toMatchObject({ groups: ['all hosts', 'web'], services: ['db'] });
  });

  it('has services by name, each with what its own tag says', () => {
    const { services } = toTemplateView(directory, { selector: {} });
    expect([...services.keys()]).toEqual(['a', 'db']);
    expect(services.get('db')).toMatchObject([
      { name: 'web-2', port: 5433, priority: 0, weight: 1, labels: [] },
      { name: 'web-10', port: 5432, priority: 5, weight: 3, labels: ['blue'] },
    ]);
    expect(services.get('a')).toMatchObject([{ name: 'web-10', port: null }]);
  });

  it('has in services only whom the selector means', () => {
    const { services } = toTemplateView(directory, { selector: { names: ['web-2'] } });
    expect([...services].map(([name, list]) => [name, list.length])).toEqual([['db', 1]]);
  });

  it('shows instances as of the service that is selected', () => {
    const { instances } = toTemplateView(directory, { selector: { service: 'db' } });
    expect(instances.map(({ port, labels }) => [port, labels])).toEqual([
      [5433, []],
      [5432, ['blue']],
    ]);
  });

  it('shows the labels of no tag when no service is selected', () => {
    const tagged = toDirectory(
      snapshot(host(1, { undefinedundefined: 'a', 'service:undefined': 'b' })),
    );
    expect(toTemplateView(tagged, { selector: {} }).instances).toMatchObject([{ labels: [] }]);
  });

  it('has the port that is asked for everywhere, and the domain', () => {
    const question = { selector: {}, port: 80, domain: 'ec2.example.com' };
    const { instances, services } = toTemplateView(directory, question);
    expect(new Set([...instances, ...(services.get('db') ?? [])].map(({ port }) => port))).toEqual(
      new Set([80]),
    );
    expect(instances[0]?.fqdn).toBe('web-2.ec2.example.com');
  });

  it('has null for what an instance lacks', () => {
    const bare = toDirectory(
      snapshot(
        instance({
          ...{ instanceType: undefined, availabilityZone: undefined, vpcId: undefined },
          subnetId: undefined,
        }),
      ),
    );
    const { instances } = toTemplateView(bare, { selector: {}, domain: 'ec2.example.com' });
    expect(instances).toMatchObject([
      {
        ...{ port: null, name: null, nameOrId: 'i-1', fqdn: null, generation: null },
        ...{ instanceType: null, availabilityZone: null, vpcId: null, subnetId: null },
        ...{ publicIpAddress: null, privateDnsName: null, publicDnsName: null },
      },
    ]);
  });

  it('reads services by the prefix of the vocabulary', () => {
    const vocabulary = { ...defaultVocabulary, servicePrefix: 'offers/' };
    const other = toDirectory(snapshot(host(1, { 'offers/x': 'port=1', 'service:y': '' })), {
      vocabulary,
    });
    const { services } = toTemplateView(other, { selector: {}, vocabulary });
    expect([...services.keys()]).toEqual(['x']);
  });
});
