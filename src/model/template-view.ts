import type { Directory, Member } from './directory.ts';
import { type Endpoint, type Question, select } from './endpoint.ts';
import { compareText } from './instance.ts';
import { defaultVocabulary, parseServiceTag, type ServiceTag, serviceTagsOf } from './tags.ts';

/**
 * What a template sees of one instance; `docs/templates.md` describes each field.
 *
 * Every field is there whoever it is of, and `null` where an instance has no value: so a template
 * can ask for it, and a misspelt field is known from one that is empty.
 */
export interface TemplateEndpoint {
  readonly host: string;
  readonly port: number | null;
  readonly name: string | null;
  /** The name, or the instance id where it has none. */
  readonly nameOrId: string;
  /** The name in the domain that was given; `null` without either. */
  readonly fqdn: string | null;
  readonly aliases: readonly string[];
  readonly instanceId: string;
  readonly region: string;
  readonly availabilityZone: string | null;
  readonly priority: number;
  readonly weight: number;
  /** Of the service tag; empty where no service is meant. */
  readonly labels: readonly string[];
  readonly ready: boolean;
  readonly generation: number | null;
  readonly instanceType: string | null;
  readonly vpcId: string | null;
  readonly subnetId: string | null;
  readonly privateIpAddress: string | null;
  readonly publicIpAddress: string | null;
  readonly ipv6Addresses: readonly string[];
  readonly privateDnsName: string | null;
  readonly publicDnsName: string | null;
  /** Names of its security groups, sorted. */
  readonly groups: readonly string[];
  /** Names of the services that its tags offer, sorted. */
  readonly services: readonly string[];
  /** In the order of keys. */
  readonly tags: ReadonlyMap<string, string>;
}

/** What a template sees. */
export interface TemplateView {
  readonly region: string;
  /** Whoever the output's selector means, in the directory's order. */
  readonly instances: readonly TemplateEndpoint[];
  /** Of those the ones that offer a service, by its name, in the directory's order; never empty. */
  readonly services: ReadonlyMap<string, readonly TemplateEndpoint[]>;
}

/** Who is shown, and as what. */
export interface TemplateQuestion extends Question {
  /** @defaultValue none */
  readonly domain?: string | undefined;
}

/** Reads off a directory what a template sees. */
export function toTemplateView(directory: Directory, question: TemplateQuestion): TemplateView {
  const members = new Map(directory.members.map((m) => [m.instance.instanceId, m] as const));
  const instances: TemplateEndpoint[] = [];
  const services = new Map<string, TemplateEndpoint[]>();
  for (const endpoint of select(directory, question).endpoints) {
    const member = members.get(endpoint.instanceId);
    if (member === undefined) continue;
    const offered = offeredBy(member, question);
    const shown = toTemplateEndpoint(endpoint, member, [...offered.keys()], question);
    instances.push(shown);
    for (const [service, { port, priority, weight, labels }] of offered) {
      const offering = { ...shown, port: question.port ?? port ?? null, priority, weight, labels };
      const others = services.get(service);
      if (others === undefined) services.set(service, [offering]);
      else others.push(offering);
    }
  }
  const sorted = [...services].sort(([a], [b]) => compareText(a, b));
  return { region: directory.region, instances, services: new Map(sorted) };
}

/** A tag that cannot be read offers nothing, as everywhere. */
function offeredBy({ instance }: Member, question: Question): ReadonlyMap<string, ServiceTag> {
  const tags = serviceTagsOf(instance, question.vocabulary ?? defaultVocabulary);
  const offered = [...tags].flatMap(([service, tag]): [string, ServiceTag][] =>
    'refused' in tag ? [] : [[service, tag]],
  );
  return new Map(offered);
}

function toTemplateEndpoint(
  endpoint: Endpoint,
  { instance, ready, generation }: Member,
  services: readonly string[],
  { selector, domain, vocabulary = defaultVocabulary }: TemplateQuestion,
): TemplateEndpoint {
  const { host, port, name, aliases, instanceId, region } = endpoint;
  const { service } = selector;
  const text = service && instance.tags.get(vocabulary.servicePrefix + service);
  const tag = parseServiceTag(text ?? '');
  return {
    host,
    port: port ?? null,
    name: name ?? null,
    nameOrId: name ?? instanceId,
    fqdn: name === undefined || domain === undefined ? null : `${name}.${domain}`,
    aliases,
    instanceId,
    region,
    availabilityZone: endpoint.availabilityZone ?? null,
    priority: endpoint.priority,
    weight: endpoint.weight,
    labels: 'refused' in tag ? [] : tag.labels,
    ready,
    generation: generation ?? null,
    instanceType: instance.instanceType ?? null,
    vpcId: instance.vpcId ?? null,
    subnetId: instance.subnetId ?? null,
    privateIpAddress: instance.privateIpAddress ?? null,
    publicIpAddress: instance.publicIpAddress ?? null,
    ipv6Addresses: instance.ipv6Addresses,
    privateDnsName: instance.privateDnsName ?? null,
    publicDnsName: instance.publicDnsName ?? null,
    groups: instance.securityGroups.map(({ groupName }) => groupName).sort(compareText),
    services,
    tags: new Map([...instance.tags].sort(([a], [b]) => compareText(a, b))),
  };
}
