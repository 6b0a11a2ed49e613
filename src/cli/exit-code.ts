import type { ErrorCode } from '../errors.ts';

/**
 * What a failure exits with: the numbers of sysexits(3).
 *
 * 64 and above means "could not tell", so that `nametag … && job` never runs the job by mistake.
 */
export const exitCodeOf: Readonly<Record<ErrorCode, number>> = {
  NAMETAG_USAGE: 64,
  NAMETAG_INVALID_SERVICE: 64,
  NAMETAG_BAD_TEMPLATE: 65,
  NAMETAG_BLOCK_BROKEN: 65,
  NAMETAG_CHECK_FAILED: 65,
  NAMETAG_INVALID_FLEET: 65,
  NAMETAG_INVALID_INFO: 65,
  NAMETAG_NOT_A_FOLLOWER: 65,
  NAMETAG_INPUT_MISSING: 66,
  NAMETAG_NOBODY: 68,
  NAMETAG_NO_ENDPOINT: 68,
  NAMETAG_INSTANCE_NOT_FOUND: 68,
  NAMETAG_EC2_UNREACHABLE: 69,
  NAMETAG_EC2_MALFORMED: 69,
  NAMETAG_EC2_REFUSED: 69,
  NAMETAG_NOT_ON_EC2: 69,
  NAMETAG_METADATA_DISABLED: 69,
  NAMETAG_METADATA_HOP_LIMIT: 69,
  NAMETAG_METADATA_REFUSED: 69,
  NAMETAG_NO_WATCHER: 69,
  NAMETAG_OUTPUT_DENIED: 73,
  NAMETAG_HOSTNAME_REFUSED: 73,
  NAMETAG_LISTEN_FAILED: 73,
  NAMETAG_TAG_LIMIT: 73,
  NAMETAG_OUTPUT_FAILED: 74,
  NAMETAG_INPUT_UNREADABLE: 74,
  NAMETAG_COMMAND_FAILED: 74,
  NAMETAG_RELOAD_FAILED: 74,
  NAMETAG_SANDBOX_FAILED: 74,
  NAMETAG_EC2_THROTTLED: 75,
  NAMETAG_EC2_BUSY: 75,
  NAMETAG_CLAIM_UNDECIDED: 75,
  NAMETAG_CLAIM_BUSY: 75,
  NAMETAG_MASTER_HOLDS_ON: 75,
  NAMETAG_MASTER_ASKED_FOR: 75,
  NAMETAG_INSTANCE_NOT_ALIVE: 75,
  NAMETAG_NOT_READY: 75,
  NAMETAG_TOO_FEW: 75,
  NAMETAG_GUARD_HELD: 75,
  NAMETAG_BLOCK_EMPTIED: 75,
  NAMETAG_OUTPUT_BUSY: 75,
  NAMETAG_EC2_DENIED: 77,
  NAMETAG_EC2_UNAUTHENTICATED: 77,
  NAMETAG_INVALID_CONFIG: 78,
  NAMETAG_NO_REGION: 78,
  NAMETAG_NO_CREDENTIALS: 78,
};

/** What an answer of no exits with: a name had to be given up, or a host has a problem. */
export const noExitCode = 1;

/** What a wrong flag or value exits with. */
export const usageExitCode = 64;

/** What a mistake of this program exits with. */
export const bugExitCode = 70;

// The same on every system (POSIX, kill).
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** That a signal ended the run. */
export class Interruption extends Error {
  override readonly name: string = 'Interruption';
  /** As a shell has it: 128 and the number of the signal. */
  readonly exitCode: number;

  constructor(signal: keyof typeof signalNumbers) {
    super(`${signal} ended the run.`);
    this.exitCode = 128 + signalNumbers[signal];
  }
}
