/** How a command ended. */
export interface CommandEnd {
  /** `undefined` when a signal ended it. */
  readonly exitCode: number | undefined;
  /** That signal. */
  readonly killedBy: string | undefined;
  /** Whether it was ended because its time was over. */
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** Tells in a clause how a command ended that did not do its work. */
export function showCommandEnd({ exitCode, killedBy, timedOut, durationMs }: CommandEnd): string {
  if (timedOut) return `it had not ended after ${Math.round(durationMs / 100) / 10} seconds`;
  return exitCode === undefined ? `${killedBy} ended it` : `it exited with ${exitCode}`;
}

/**
 * Tells the same with what the command said last. That is untrusted: a terminal must not obey it,
 * nor a log grow by it.
 */
export function showFailure(end: CommandEnd & { readonly output: string }): string {
  const line = end.output.trimEnd().split('\n').at(-1) ?? '';
  const said = line.replace(/\p{C}/gu, '?').slice(0, 200);
  const how = showCommandEnd(end);
  return said === '' ? how : `${how} ("${said}")`;
}
