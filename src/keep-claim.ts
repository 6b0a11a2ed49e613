import { claimAliases } from './claim-aliases.ts';
import { type ClaimPorts, type ClaimRequest, claimName } from './claim-name.ts';
import { isNametagError } from './errors.ts';
import type { AliasOmission } from './model/alias.ts';
import type { Log } from './model/log-line.ts';
import type { CallOptions, Hostname, Metrics } from './ports.ts';

/** What keeping a claim needs of the world. */
export interface KeepClaimPorts extends ClaimPorts {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'claimed'>;
  /** Is to be the name that is held. @defaultValue it stays what it is */
  readonly hostname?: Hostname | undefined;
}

/** Which name is kept, and what beside it. */
export interface KeepClaimRequest extends ClaimRequest {
  /** As `parseAliasList` gives them; when there is none, aliases are left as they are. */
  readonly aliases: readonly string[];
}

/** Keeps the name of this instance, while it watches. */
export interface ClaimKeeper {
  /**
   * Claims at once and then about every minute until the signal aborts, and calls `onChange` when
   * the name is another. A claim that fails is logged and made again.
   */
  run(signal: AbortSignal, onChange: () => void): Promise<void>;
}

// As often as a timer of `claim-name` would run: a change of master waits for it.
const everyMs = 60_000;
// A quarter to each side, so that a fleet that booted together does not scan in the same second.
const jitterShare = 0.25;

interface KeeperState {
  /** What was held when this was last looked at. */
  held: string | undefined;
  /** How often that was another. */
  changes: number;
  /** The failure that was logged last; `undefined` after a run that did not fail. */
  failure: string | undefined;
  /** Aliases of which it was said that this instance does not have them. */
  omitted: string;
}

/**
 * Makes the keeper of a claim: the audit that finds a name that two instances hold, and the agent
 * that gives way at a change of master.
 */
export function createClaimKeeper(ports: KeepClaimPorts, request: KeepClaimRequest): ClaimKeeper {
  return {
    run: async (signal, onChange) => {
      const { clock, random } = ports;
      const state: KeeperState = {
        ...{ held: undefined, changes: 0 },
        ...{ failure: undefined, omitted: '' },
      };
      while (!signal.aborted) {
        try {
          if (await audit(state, ports, request, { signal })) onChange();
          await clock.wait(everyMs * (1 - jitterShare + 2 * jitterShare * random()), { signal });
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      }
    },
  };
}

/** Claims once; tells whether the name is another. */
async function audit(
  state: KeeperState,
  ports: KeepClaimPorts,
  request: KeepClaimRequest,
  call: CallOptions,
): Promise<boolean> {
  const { changes } = state;
  try {
    await claim(state, ports, request, call);
    state.failure = undefined;
  } catch (error) {
    call.signal?.throwIfAborted();
    if (!isNametagError(error)) throw error;
    // Another run of `claim-name`, or a change of master, sees to it meanwhile.
    const isBusy = error.code === 'NAMETAG_CLAIM_BUSY';
    complain(isBusy ? 'debug' : 'warn', error.code, error.message, state, ports);
  }
  return state.changes > changes;
}

async function claim(
  state: KeeperState,
  ports: KeepClaimPorts,
  request: KeepClaimRequest,
  call: CallOptions,
): Promise<void> {
  const { metrics, log, hostname } = ports;
  const { instanceId } = request;
  const outcome = await claimName(request, ports, call);
  const { lost } = outcome.tally;
  if (lost !== undefined) {
    const message = `${instanceId} held ${lost} together with another instance, which keeps it.`;
    log({ level: 'error', event: 'name-lost', message, fields: { name: lost } });
    // Whatever was seen last: it had this one.
    state.held = lost;
  }
  if (outcome.kind === 'undecided') {
    metrics.claimed(lost === undefined ? 'asking' : 'lost');
    const message =
      `No name of ${request.series.service} is held yet (${outcome.why.kind}); the next run goes ` +
      'on from the tags.';
    complain('warn', outcome.why.kind, message, state, ports);
    if (lost !== undefined) {
      state.held = undefined;
      state.changes += 1;
    }
    return;
  }
  const { name, generation } = outcome;
  metrics.claimed('held');
  if (name !== state.held) {
    const before = state.held === undefined ? '' : `, and ${state.held} no more`;
    const message = `${instanceId} holds ${name}${before}.`;
    log({ level: 'info', event: 'name-held', message, fields: { name, generation } });
    state.changes += 1;
  }
  state.held = name;
  if (request.aliases.length > 0) {
    const { omitted } = await claimAliases(request, ports, call);
    tellOmitted(omitted, state, ports);
  }
  await hostname?.set(name, call);
}

/** Logs what is in the way, once for each thing that is. */
function complain(
  level: 'warn' | 'debug',
  code: string,
  message: string,
  state: KeeperState,
  { log }: Pick<KeepClaimPorts, 'log'>,
): void {
  const isNews = state.failure !== code;
  state.failure = code;
  log({ level: isNews ? level : 'debug', event: 'claim-failed', message, fields: { code } });
}

/** Logs aliases that others have, when they are not those of the last time. */
function tellOmitted(
  omitted: readonly AliasOmission[],
  state: KeeperState,
  { log }: Pick<KeepClaimPorts, 'log'>,
): void {
  const said = JSON.stringify(omitted);
  if (said === state.omitted) return;
  state.omitted = said;
  for (const { alias, seen } of omitted) {
    const message = `The alias ${alias} is not this instance's, because of ${seen}.`;
    log({ level: 'warn', event: 'alias-omitted', message, fields: { alias } });
  }
}
