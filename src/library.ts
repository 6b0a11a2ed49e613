import { openEc2 } from './ec2/gateway.ts';
import { idleClock } from './host/clock.ts';
import { imdsMetadata } from './host/metadata.ts';
import { systemRandom } from './host/random.ts';
import { defineServices, type ServiceDefinitions } from './model/service.ts';
import { type OpenServicesOptions, openServices, type ServiceDirectory } from './open-directory.ts';
import type { Ec2 } from './ports.ts';

/** Which services are resolved, and where. */
export interface OpenDirectoryOptions<S extends ServiceDefinitions> {
  /** As {@link defineServices} gives them. */
  readonly services: S;
  /** Else from `AWS_REGION`, the profile, or the metadata of the instance. */
  readonly region?: string;
  /** A profile of the AWS config files. */
  readonly profile?: string;
  /** Another way to EC2, such as a sandbox's; then `region` and `profile` say nothing. */
  readonly ec2?: Ec2;
  /**
   * How long a refresh keeps whom EC2 does not show any more, in milliseconds, while nothing says
   * that it is gone.
   *
   * @defaultValue 3,600,000: 1 hour
   */
  readonly maxStaleMs?: number;
  /** The share of all that may go after that, 0 to 1. @defaultValue `0.3` */
  readonly maxRemove?: number;
  /**
   * Refreshes by itself, so often on average, in milliseconds: from 1 second to 1 day, a quarter
   * more or less by chance, and after failures less often, up to 5 minutes. It goes on until
   * `close()`, and does not keep the process from ending.
   *
   * @defaultValue lookups change when `refresh()` is called, and not else
   */
  readonly refreshEveryMs?: number;
  /** Called after each refresh that was made by itself, when the lookups are the new ones. */
  readonly onRefresh?: () => void;
  /** Called when such a refresh fails; the lookups stay as they were, and it is tried again. */
  readonly onError?: (error: unknown) => void;
  /** Ends opening and every refresh. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a directory of services: resolves each from one read of EC2.
 *
 * `pick: 'one'` gives an endpoint, `'all'` a list in order of name. A lookup is a property read;
 * endpoints change only by a refresh, all at once.
 *
 * @example
 * const services = defineServices({ postgres: { group: 'tphon', port: 5432, pick: 'one' } });
 * const directory = await openDirectory({ services, region: 'eu-west-1' });
 * directory.postgres.host; //=> '10.0.3.17'
 *
 * @throws {@link NametagError} with code `NAMETAG_NO_ENDPOINT` when nobody offers a service,
 * `NAMETAG_NO_REGION` or `NAMETAG_NO_CREDENTIALS` when a setting is missing, or `NAMETAG_EC2_…`
 * when EC2 gave no answer.
 */
export async function openDirectory<const S extends ServiceDefinitions>(
  options: OpenDirectoryOptions<S>,
): Promise<ServiceDirectory<S>> {
  const { services, region, profile, maxStaleMs, maxRemove, signal } = options;
  const fresh = toFresh(options);
  // Definitions that did not come from `defineServices` are checked here.
  defineServices(services as ServiceDefinitions);
  const call = { signal };
  const ec2 = options.ec2 ?? (await openEc2({ region, profile, metadata: imdsMetadata() }, call));
  return await openServices(services, ec2, { ...call, maxStaleMs, maxRemove, fresh });
}

function toFresh({
  refreshEveryMs: everyMs,
  onRefresh,
  onError,
}: Pick<
  OpenDirectoryOptions<ServiceDefinitions>,
  'refreshEveryMs' | 'onRefresh' | 'onError'
>): OpenServicesOptions['fresh'] {
  if (everyMs === undefined) {
    if (onRefresh === undefined && onError === undefined) return undefined;
    throw new TypeError('Expected `refreshEveryMs` beside `onRefresh` and `onError`');
  }
  if (!(everyMs >= 1000 && everyMs <= 86_400_000)) {
    throw new TypeError(`Expected \`refreshEveryMs\` from 1000 to 86400000, got ${everyMs}`);
  }
  return { everyMs, clock: idleClock, random: systemRandom, onRefresh, onError };
}
