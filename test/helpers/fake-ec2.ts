import type { Instance } from '../../src/model/instance.ts';
import type { InstanceQuery } from '../../src/model/query.ts';
import type { Ec2 } from '../../src/ports.ts';
import { type InstanceFields, instance, snapshot } from './instances.ts';

/** An instance in service in a group, with a name of it. */
export const ready = (instanceId: string, group: string, fields: InstanceFields = {}): Instance =>
  instance({
    instanceId,
    groups: [group],
    ...fields,
    tags: { status: 'ready', Name: `${group}-${instanceId.slice(2)}` },
  });

/**
 * An EC2 that shows everybody to every query, or fails, and counts its calls. Asked by id, it shows
 * all others as terminated, unless it has forgotten them.
 */
export class FakeEc2 implements Ec2 {
  readonly region = 'eu-west-1';
  instances: readonly Instance[];
  failure: Error | undefined;
  forgetful = false;
  /** While it is set, describes wait for it, or for the end of their signal. */
  held: Promise<void> | undefined;
  readonly asked: (readonly InstanceQuery[])[] = [];

  constructor(...instances: readonly Instance[]) {
    this.instances = instances;
  }

  async describeInstances(
    queries: readonly InstanceQuery[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ) {
    this.asked.push(queries);
    signal?.throwIfAborted();
    if (this.held !== undefined) {
      const ended = new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      await Promise.race([this.held, ended]);
    }
    if (this.failure !== undefined) throw this.failure;
    const shown = new Set(this.instances.map(({ instanceId }) => instanceId));
    const ids = this.forgetful ? [] : queries.flatMap(({ instanceIds = [] }) => instanceIds);
    const gone = ids.filter((instanceId) => !shown.has(instanceId));
    const dead = gone.map((instanceId) => instance({ instanceId, state: 'terminated' }));
    return snapshot(...this.instances, ...dead);
  }

  createTags(): Promise<void> {
    throw new Error('Nothing is written here.');
  }
}

/** A promise, and what resolves it. */
export function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
