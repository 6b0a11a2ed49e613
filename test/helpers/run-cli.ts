import { main } from '../../src/cli/main.ts';

/** What a run of the program printed, and what it exited with. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in this process, with this environment and nothing else. */
export async function runCli(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const exitCode = await main(words, {
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    env: { AWS_EC2_METADATA_DISABLED: 'true', ...env },
    signal,
    onHangup: () => {},
    isTerminal: false,
  });
  return { exitCode, stdout, stderr };
}
