/**
 * Everything outside this program, on one page.
 *
 * Use cases reach the world through these only; the adapters are in ec2/ and host/, and the world
 * of sandbox/ implements them too, which is how the whole program is tested without AWS.
 */
import type { EventName } from './model/handler-spec.ts';
import type { InstanceCount } from './model/instance-count.ts';
import type { Attempt, AttemptAnswer } from './model/permission.ts';
import type { InstanceQuery } from './model/query.ts';
import type { Snapshot } from './model/snapshot.ts';

/** What every call that leaves this process takes. */
export interface CallOptions {
  /** Ends the call early; the call then throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** Amazon EC2, in one region. */
export interface Ec2 {
  readonly region: string;

  /**
   * Reads every instance that one of the queries matches, and perhaps others.
   *
   * All pages of all queries or an error, never a part. The result may be stale by an unknown time
   * and need not agree with the one before it.
   *
   * @throws {@link NametagError} with a code `NAMETAG_EC2_…` or `NAMETAG_NO_CREDENTIALS`.
   */
  describeInstances(queries: readonly InstanceQuery[], options?: CallOptions): Promise<Snapshot>;

  /**
   * Writes these tags on one instance, over any values they had, in one call.
   *
   * When it throws, the write may still have been made, or be made later, except with the codes
   * `NAMETAG_EC2_DENIED`, `NAMETAG_EC2_UNAUTHENTICATED`, `NAMETAG_EC2_REFUSED`,
   * `NAMETAG_NO_CREDENTIALS` and `NAMETAG_TAG_LIMIT`.
   */
  createTags(
    instanceId: string,
    tags: ReadonlyMap<string, string>,
    options?: CallOptions,
  ): Promise<void>;
}

/** What an instance can learn about itself from the instance metadata service. */
export interface Identity {
  readonly instanceId: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly privateIpAddress: string;
  readonly publicIpAddress: string | undefined;
  readonly ipv6Addresses: readonly string[];
  readonly vpcId: string | undefined;
  /** Names, as the metadata service lists them. */
  readonly securityGroups: readonly string[];
}

/** The instance metadata service, version 2. */
export interface Metadata {
  /**
   * @throws {@link NametagError} with code `NAMETAG_NOT_ON_EC2`, `NAMETAG_METADATA_DISABLED`,
   * `NAMETAG_METADATA_HOP_LIMIT` or `NAMETAG_METADATA_REFUSED`.
   */
  identity(options?: CallOptions): Promise<Identity>;
  instanceId(options?: CallOptions): Promise<string>;
  region(options?: CallOptions): Promise<string>;
}

/** Time on this machine. No other machine's clock is ever compared with it. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back, whatever happens to the date. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** How long this system has been up, in milliseconds. */
  uptimeMs(): number;
  /** Resolves after `ms`, or throws `signal.reason`. */
  wait(ms: number, options?: CallOptions): Promise<void>;
}

/** A source of numbers, at least 0 and below 1. */
export type Random = () => number;

/**
 * At most one process of this machine claims for an instance at a time, and a run that ended in
 * the middle of a write leaves a mark for the next.
 */
export interface ClaimLock {
  /** @throws {@link NametagError} with code `NAMETAG_CLAIM_BUSY` when another process has it. */
  acquire(instanceId: string): Promise<HeldClaimLock>;
}

/** A {@link ClaimLock} while it is held. */
export interface HeldClaimLock {
  /** Whether a run before this one ended while a write may have been under way. */
  readonly foundMark: boolean;
  /**
   * How long ago, in milliseconds, a run before this one said that its writes were certain;
   * `undefined` when none has since this system booted.
   */
  readonly sinceWriteMs: number | undefined;
  /** Says that a write is about to be made. On disk before it resolves. */
  mark(): Promise<void>;
  /** Says that something was written, and that no write is in doubt any more. */
  clearMark(): Promise<void>;
  release(): Promise<void>;
}

/** What a stored snapshot is an answer to. Keys that differ in anything never share one. */
export interface SnapshotKey {
  /** Tells one source of credentials from another; holds no secret. */
  readonly credentials: string;
  readonly region: string;
  /** Of EC2, or empty for EC2's own; holds no secret. */
  readonly endpoint: string;
  /** What was asked, in a text that is the same for the same question. */
  readonly question: string;
}

/** The last good snapshot of each key, kept on this machine. */
export interface SnapshotStore {
  /** `undefined` when there is none, or none that can be trusted: that one is set aside. */
  load(key: SnapshotKey, options?: LoadOptions): Promise<Snapshot | undefined>;
  /** Keeps it in place of the one before; a store that cannot says so once, and is no failure. */
  save(key: SnapshotKey, snapshot: Snapshot, options?: CallOptions): Promise<void>;
  /**
   * Waits until no other process of this machine asks EC2 for the key, and takes the turn; call
   * what it gives to end it. A process that dies ends its turn. Where turns cannot be had, such as
   * in a folder that is read-only, it is given at once.
   */
  takeTurn(key: SnapshotKey, options?: CallOptions): Promise<() => Promise<void>>;
  /** Notes that EC2 was asked in vain at that time, in milliseconds since 1970. Never fails. */
  noteFailure(key: SnapshotKey, atMs: number): Promise<void>;
  /** When that was noted last; `undefined` when it is not known of any time. */
  lastFailureMs(key: SnapshotKey): Promise<number | undefined>;
}

/** What is wanted of a snapshot, since a whole one of a large fleet takes long to load. */
export interface LoadOptions extends CallOptions {
  /** One that was taken before this is not given. In milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  /** The ids of instances that are left out of it, since newer is known of them. */
  readonly except?: ReadonlySet<string> | undefined;
}

/** What an update did to a file. */
export type FileChange =
  /** Not even its times were touched. */
  | 'unchanged'
  | 'created'
  /** By rename: whoever read it meanwhile saw all of the old or all of the new. */
  | 'replaced'
  /** Because it could not be renamed over; a reader may have seen part of each. */
  | 'overwritten-in-place';

/** Files that other programs read, and that are always written whole. */
export interface Files {
  /**
   * Reads a file; `undefined` when there is none.
   *
   * @throws {@link NametagError} with code `NAMETAG_INPUT_UNREADABLE`.
   */
  read(path: string, options?: CallOptions): Promise<Uint8Array | undefined>;

  /**
   * Reads a file, has its new content made, and writes that, while nobody else does the same.
   *
   * `compose` gets `undefined` when there is no file, and may be called again when somebody
   * changed the file meanwhile. What it throws is passed on, and nothing is written.
   *
   * @throws {@link NametagError} with code `NAMETAG_INPUT_UNREADABLE`, `NAMETAG_OUTPUT_DENIED`,
   * `NAMETAG_OUTPUT_FAILED` or `NAMETAG_OUTPUT_BUSY`.
   */
  update<Report>(
    path: string,
    compose: (old: Uint8Array | undefined) => ComposedFile<Report>,
    options?: CallOptions,
  ): Promise<FileUpdate<Report>>;
}

/** What became of a file. */
export interface FileUpdate<Report> {
  readonly change: FileChange;
  /** Of the content that it has now. */
  readonly report: Report;
  /** Why the old content could not be kept as a backup, where that was to be done. */
  readonly noBackup?: string | undefined;
}

/** A file's new content, and what its maker has to say about it. */
export interface ComposedFile<Report> {
  readonly bytes: Uint8Array;
  readonly report: Report;
}

/** Files that belong together: other programs find all of them old or all of them new. */
export interface FileSets {
  /**
   * Opens a set, and first completes or removes what a killed run left half done, of whichever set;
   * what it cannot is left for the next.
   *
   * At most one process has one at a time; others wait a while. Whoever has it closes it.
   *
   * @throws {@link NametagError} with code `NAMETAG_OUTPUT_BUSY`, `NAMETAG_OUTPUT_DENIED` or
   * `NAMETAG_OUTPUT_FAILED`.
   */
  open(options?: CallOptions): Promise<FileSet>;
}

/** A {@link FileSets} set while this process has it. */
export interface FileSet {
  /**
   * The paths of files that have changed since their command last succeeded, in an earlier run or
   * in this one; also of files of other sets. No command itself is ever taken from disk.
   */
  pending(): readonly string[];

  /**
   * Writes new content beside the files that differ, where nobody sees it yet.
   *
   * All of the files of the set, each time. Those that are right are left alone, with their times.
   * When it throws, nothing was changed and nothing is left behind.
   *
   * @throws {@link NametagError} with code `NAMETAG_OUTPUT_DENIED` or `NAMETAG_OUTPUT_FAILED`.
   */
  stage(files: readonly FileOfSet[], options?: CallOptions): Promise<StagedFiles>;

  /** Says that the commands of these files have succeeded. On disk before it resolves. */
  done(paths: readonly string[]): Promise<void>;

  /** Discards what was staged and not committed, and lets others have the set. */
  close(): Promise<void>;
}

/** A file as it is to be. */
export interface FileOfSet {
  /** Absolute; symbolic links are followed. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits. @defaultValue those of the file that is there, else 0644 */
  readonly mode?: number | undefined;
  /** Whether a command is to be run once it has changed. */
  readonly hasCommand: boolean;
}

/** New content of a set that nobody sees yet. At most one of a set at a time. */
export interface StagedFiles {
  /** Those that are not as they are to be, in the order given; it may be empty. */
  readonly changed: readonly StagedFile[];

  /**
   * Makes all of it visible.
   *
   * A process that is killed meanwhile leaves that to the next that opens the set. Where a file
   * cannot be had, those before it are put back, and it throws. When it resolves,
   * {@link FileSet.pending} has the changed files that have a command, on disk.
   *
   * @throws {@link NametagError} with code `NAMETAG_OUTPUT_BUSY` when something else has changed a
   * file since, `NAMETAG_OUTPUT_DENIED` or `NAMETAG_OUTPUT_FAILED`.
   */
  commit(): Promise<void>;

  /** Removes all of it; does nothing after a commit. */
  discard(): Promise<void>;
}

/** A file of a set that is about to be replaced. */
export interface StagedFile {
  readonly path: string;
  /** The new content, with the owner and mode that the file is to have, for a check to read. */
  readonly candidatePath: string;
  /** What it says now; `undefined` when there is no file. */
  readonly old: Uint8Array | undefined;
}

/** What a command is given. */
export interface CommandOptions extends CallOptions {
  /**
   * On top of this process's own environment, without what systemd has told it; `undefined` takes
   * a variable away.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What it can read on stdin; nothing by default. */
  readonly input?: string | Uint8Array | undefined;
  /** How long it may take, in milliseconds; it is ended then. */
  readonly timeoutMs: number;
}

/** How a command ended. It has done its work if `exitCode` is 0 and it has not timed out. */
export interface CommandResult {
  /** As the shell has it: 127 for no such program; `undefined` when a signal ended it. */
  readonly exitCode: number | undefined;
  /** The signal that ended it, such as `SIGKILL`; `undefined` when it exited. */
  readonly killedBy: string | undefined;
  /** Whether it was ended because its time was over; it may have exited with 0 then. */
  readonly timedOut: boolean;
  /** The last 8 KiB of what it said, stdout and stderr together; untrusted text. */
  readonly output: string;
  /** Whether it said more than that. */
  readonly truncated: boolean;
  readonly durationMs: number;
}

/** Programs of the user's own on this machine. */
export interface Commands {
  /**
   * Runs a command line by `/bin/sh -c`, and waits for it to end.
   *
   * A command that fails or takes too long is a result, not an error: what that means is for the
   * caller to say. Only `signal` ends the wait with an error, its reason, and ends the command too.
   */
  run(command: string, options: CommandOptions): Promise<CommandResult>;
}

/** Files with what a handler is told, for as long as it runs. */
export interface EventFiles {
  /**
   * Writes a new file that this user alone can read; call what it gives to remove it.
   *
   * @throws {@link NametagError} with code `NAMETAG_OUTPUT_DENIED` or `NAMETAG_OUTPUT_FAILED`.
   */
  write(text: string): Promise<{ readonly path: string; readonly remove: () => Promise<void> }>;
}

/** A folder with a folder for each event, of programs that are run at it. */
export interface HandlersFolder {
  /** Gives the programs of an event as commands, by name; a folder that is not there has none. */
  list(event: EventName): Promise<HandlersListing>;
}

/** What is in the folder of an event. */
export interface HandlersListing {
  readonly commands: readonly string[];
  /** What is not run though it looks as if it should be, and why. */
  readonly refused: readonly { readonly path: string; readonly fact: string }[];
}

/** The name that this machine's operating system goes by. */
export interface Hostname {
  /**
   * Makes it this, now and after a restart; does nothing when it is already.
   *
   * @throws {@link NametagError} with code `NAMETAG_HOSTNAME_REFUSED`, or as {@link Files} does.
   */
  set(name: string, options?: CallOptions): Promise<'unchanged' | 'set'>;
}

/** What this machine's credentials may do, in one region. */
export interface Permissions {
  /**
   * Tries a request without making it: a dry run, which changes nothing.
   *
   * Throws `signal.reason` alone; whatever else comes in the way is an answer `unknown`.
   */
  mayI(attempt: Attempt, options?: CallOptions): Promise<AttemptAnswer>;
}

/** How a request to EC2 ended. */
export type RequestResult = 'ok' | 'throttled' | 'unreachable' | 'denied' | 'failed';

/** What became of an output at a refresh. */
export type OutputResult = 'unchanged' | 'written' | 'held' | 'failed';

/** What this instance says of its own name; `lost` is to another one that says it too. */
export type OwnClaim = 'none' | 'asking' | 'held' | 'lost';

/** Counts what a watcher does, for whoever looks after many of them. Nothing here ever fails. */
export interface Metrics {
  /** An answer was taken, from EC2 or from disk; the counts replace those before. */
  answered(answer: {
    /** Milliseconds since 1970 at which EC2 gave it. */
    readonly takenAtMs: number;
    readonly counts: readonly InstanceCount[];
  }): void;
  /** A request was made, or another attempt: an action as `DescribeInstances`, how it ended. */
  requested(action: string, result: RequestResult): void;
  /** Whether something is kept that is missing from EC2's answer. */
  guardHeld(held: boolean): void;
  rendered(output: string, result: OutputResult): void;
  claimed(state: OwnClaim): void;
}

/** What looks after this process, as systemd does. */
export interface ServiceManager {
  /** How often it wants a sign of life, in milliseconds; `undefined` if it wants none. */
  readonly aliveEveryMs: number | undefined;
  /** Tells it. Never fails; gives why it could not be told, once. */
  notify(notice: ServiceNotice): Promise<string | undefined>;
}

/** What a service manager is told; all that is said at once arrives at once. */
export interface ServiceNotice {
  readonly state?: 'ready' | 'reloading' | 'stopping' | undefined;
  /** One line for people. */
  readonly status?: string | undefined;
  /** A sign of life. */
  readonly alive?: boolean | undefined;
}
