/** What a command can reach of the process it runs in. A test passes its own. */
export interface Io {
  /** Takes data, and nothing else. */
  stdout(text: string): void;
  /** Takes everything that is said to a person. */
  stderr(text: string): void;
  /**
   * Waits until all of it has been taken; by default nothing is waited for.
   *
   * @throws the signal's reason when the process is told to end before.
   */
  readonly written?: (() => Promise<void>) | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the command early. */
  readonly signal: AbortSignal;
  /** Has SIGHUP call this from now on, in place of ending the command. */
  onHangup(listener: () => void): void;
  /** Tells that the process will end with its first answer, for the runtime to go by. */
  readonly endsSoon?: (() => void) | undefined;
  /** Whether a person reads what goes to {@link stdout}. */
  readonly isTerminal: boolean;
}

/** Says one line to a person, as this program. */
export function say(io: Io, sentence: string): void {
  io.stderr(`nametag: ${sentence}\n`);
}
