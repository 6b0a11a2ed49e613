import type { Instance } from './instance.ts';
import { defaultVocabulary, parseServiceTag, type Vocabulary } from './tags.ts';

/** Some instances that offer a service, or of `service` `''` all of them, in one state. */
export interface InstanceCount {
  readonly service: string;
  readonly state: string;
  readonly count: number;
}

/** Names the services that an instance offers by tags that can be read, in order. */
export function servicesOf(
  instance: Instance,
  { servicePrefix }: Vocabulary = defaultVocabulary,
): readonly string[] {
  return [...instance.tags]
    .filter(([key, text]) => key.startsWith(servicePrefix) && !('refused' in parseServiceTag(text)))
    .map(([key]) => key.slice(servicePrefix.length))
    .sort();
}

/** Counts instances by the services that they offer, and all of them, by state. */
export function countInstances(
  instances: readonly Instance[],
  vocabulary: Vocabulary = defaultVocabulary,
): readonly InstanceCount[] {
  const counts = new Map<string, { service: string; state: string; count: number }>();
  for (const instance of instances) {
    const { state } = instance;
    for (const service of ['', ...servicesOf(instance, vocabulary)]) {
      const key = `${state} ${service}`;
      const counted = counts.get(key) ?? { service, state, count: 0 };
      counts.set(key, { ...counted, count: counted.count + 1 });
    }
  }
  return [...counts.values()];
}
