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
  readonly region?: string | undefined;
  /** A profile of the AWS config files. */
  readonly profile?: string | undefined;
  /** Another way to EC2, such as a sandbox's; then `region` and `profile` say nothing. */
  readonly ec2?: Ec2 | undefined;
  /**
   * How long a refresh keeps whom EC2 does not show any more, in milliseconds, while nothing says
   * that it is gone. When EC2 was not asked for as long, all go whom it does not know by id, but
   * never everybody: so this is best far above `refreshEveryMs`.
   *
   * @defaultValue 3,600,000: 1 hour
   */
  readonly maxStaleMs?: number | undefined;
  /** The share of all that may go after that, 0 to 1. @defaultValue `0.3` */
  readonly maxRemove?: number | undefined;
  /**
   * Refreshes by itself, so often on average, in milliseconds: from 1 second to 1 day, a quarter
   * more or less by chance, and after failures less often, up to 5 minutes. It goes on until
   * `close()`, and does not keep the process from ending.
   *
   * @defaultValue lookups change when `refresh()` is called, and not else
   */
  readonly refreshEveryMs?: number | undefined;
  /** Called after each refresh that was made by itself, when the lookups are the new ones. */
  readonly onRefresh?: (() => void) | undefined;
  /** Called when such a refresh fails; the lookups stay as they were, and it is tried again. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Ends opening and every refresh. */
  readonly signal?: AbortSignal | undefined;
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
 * when EC2 gave no answer. `TypeError` when the options cannot mean anything.
 */
export async function openDirectory<const S extends ServiceDefinitions>(
  options: OpenDirectoryOptions<S>,
): Promise<ServiceDirectory<S>> {
  const { services, region, profile, maxStaleMs, maxRemove, signal } = options;
  check(options);
  const call = { signal };
  const ec2 = options.ec2 ?? (await openEc2({ region, profile, metadata: imdsMetadata() }, call));
  const terms = { maxStaleMs, maxRemove, fresh: toFresh(options) };
  return await openServices(services, { ec2, clock: idleClock }, { ...call, ...terms });
}

const optionNames: readonly string[] = Object.keys({
  services: true,
  region: true,
  profile: true,
  ec2: true,
  maxStaleMs: true,
  maxRemove: true,
  refreshEveryMs: true,
  onRefresh: true,
  onError: true,
  signal: true,
} satisfies Record<keyof OpenDirectoryOptions<ServiceDefinitions>, true>);

/** Finds in plain JavaScript what the compiler finds too, and numbers that cannot be meant. */
function check(options: OpenDirectoryOptions<ServiceDefinitions>): void {
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(
      `Expected no option \`${unknown}\` (there are: ${optionNames.join(', ')}).`,
    );
  }
  // Definitions that did not come from `defineServices` are checked here.
  const names = Object.keys(defineServices(options.services));
  if (names.length === 0) throw new TypeError('Expected at least one service.');
  const { refreshEveryMs, onRefresh, onError } = options;
  checkNumber('refreshEveryMs', refreshEveryMs, { min: 1000, max: 86_400_000 });
  checkNumber('maxStaleMs', options.maxStaleMs, { min: 0, max: Number.POSITIVE_INFINITY });
  checkNumber('maxRemove', options.maxRemove, { min: 0, max: 1 });
  if (refreshEveryMs === undefined && (onRefresh ?? onError) !== undefined) {
    throw new TypeError('Expected `refreshEveryMs` beside `onRefresh` and `onError`.');
  }
}

function checkNumber(
  name: string,
  value: number | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (value === undefined || (typeof value === 'number' && value >= min && value <= max)) return;
  throw new TypeError(`Expected \`${name}\` from ${min} to ${max}, got ${value}.`);
}

function toFresh({
  refreshEveryMs: everyMs,
  onRefresh,
  onError,
}: OpenDirectoryOptions<ServiceDefinitions>): OpenServicesOptions['fresh'] {
  if (everyMs === undefined) return undefined;
  return { everyMs, random: systemRandom, onRefresh, onError };
}
