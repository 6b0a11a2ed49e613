import { NametagError } from './errors.ts';
import { showAge } from './model/age.ts';
import { showFailure } from './model/command-end.ts';
import { defaultVocabulary, type Vocabulary } from './model/tags.ts';
import type { CallOptions, Clock, Commands, Ec2 } from './ports.ts';

/** What {@link markReady} needs of the world. */
export interface ReadinessPorts {
  readonly ec2: Ec2;
  readonly clock: Pick<Clock, 'monotonicMs' | 'wait'>;
  readonly commands: Commands;
  /** Tells whether something on this machine takes a connection. */
  readonly takesConnection: (port: number, options?: CallOptions) => Promise<boolean>;
}

/** Which instance is put in service or taken out of it. */
export interface ReadinessRequest {
  readonly instanceId: string;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary | undefined;
}

/** What has to be before an instance is in service; both, where both are given. */
export interface ReadyRequest extends ReadinessRequest {
  /** A port of this machine that takes connections. */
  readonly port?: number | undefined;
  /** A command that exits with 0. */
  readonly check?: string | undefined;
  /** How long that may take, in milliseconds. @defaultValue `300_000` */
  readonly timeoutMs?: number | undefined;
}

const timeoutMsDefault = 300_000;
// A service that has begun to answer is in service a second later; nobody's processor feels it.
const pauseMs = 1000;
// One check that hangs is no reason not to make another; the last one gets a second too.
const checkMaxMs = 10_000;
const checkMinMs = 1000;
// Anything but the value of a ready one would do, and that may be the first.
const drainValues = ['drain', 'drained'] as const;

/**
 * Puts an instance in service by its tag, once what is asked for is so.
 *
 * Written each time: EC2 takes the same value twice, and a read before it would cost as much. The
 * tag of an instance that was ready and is not any more is left as it is.
 *
 * @throws {@link NametagError} with code `NAMETAG_NOT_READY` when its time is over, or as
 * {@link Ec2} does; a write that failed may still be made, and may be made again.
 */
export async function markReady(
  request: ReadyRequest,
  ports: ReadinessPorts,
  options: CallOptions = {},
): Promise<void> {
  await waitUntilReady(request, ports, options);
  const { instanceId, vocabulary = defaultVocabulary } = request;
  const tags = new Map([[vocabulary.readyKey, vocabulary.readyValue]]);
  await ports.ec2.createTags(instanceId, tags, options);
}

/**
 * Takes an instance out of service by its tag; it goes on doing what it does.
 *
 * @throws as {@link Ec2} does.
 */
export async function markDrained(
  { instanceId, vocabulary = defaultVocabulary }: ReadinessRequest,
  { ec2 }: Pick<ReadinessPorts, 'ec2'>,
  options: CallOptions = {},
): Promise<void> {
  const [usual, other] = drainValues;
  const value = vocabulary.readyValue === usual ? other : usual;
  await ec2.createTags(instanceId, new Map([[vocabulary.readyKey, value]]), options);
}

async function waitUntilReady(
  request: ReadyRequest,
  ports: ReadinessPorts,
  options: CallOptions,
): Promise<void> {
  const { instanceId, timeoutMs = timeoutMsDefault } = request;
  const { clock, ec2 } = ports;
  const endsMs = clock.monotonicMs() + timeoutMs;
  // Ends when its time is over, with a last look then.
  for (;;) {
    const lack = await findLack(request, ports, endsMs - clock.monotonicMs(), options);
    if (lack === undefined) return;
    const leftMs = endsMs - clock.monotonicMs();
    if (leftMs <= 0) {
      const fact = timeoutMs === 0 ? lack : `within ${showAge(timeoutMs)}, ${lack}`;
      throw new NametagError('NAMETAG_NOT_READY', { instanceId, region: ec2.region, fact });
    }
    await clock.wait(Math.min(pauseMs, leftMs), options);
  }
}

/** Gives in a clause what was not so; `undefined` when all is. */
async function findLack(
  { port, check }: ReadyRequest,
  { takesConnection, commands }: ReadinessPorts,
  leftMs: number,
  options: CallOptions,
): Promise<string | undefined> {
  if (port !== undefined && !(await takesConnection(port, options))) {
    return `nothing took a connection on port ${port}`;
  }
  if (check === undefined) return undefined;
  const timeoutMs = Math.max(checkMinMs, Math.min(leftMs, checkMaxMs));
  const end = await commands.run(check, { ...options, timeoutMs });
  const isDone = end.exitCode === 0 && !end.timedOut;
  return isDone ? undefined : `the check did not succeed: ${showFailure(end)}`;
}
