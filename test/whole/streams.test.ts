/** What becomes of a real process whose output goes nowhere. Needs the built program. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const nametag = fileURLToPath(new URL('../../bin/nametag.js', import.meta.url));

function shell(command: string): string {
  const script = `nametag() { "${process.execPath}" "${nametag}" "$@"; }; { ${command}; } 2>&1`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' });
}

describe('the program', () => {
  it('exits with 74 and one sentence when its output cannot be written', () => {
    expect(shell('nametag --help > /dev/full; echo $?')).toMatch(
      /^nametag: Could not write the output: ENOSPC.*\n74\n$/,
    );
  });

  it('exits with 74 when what it has to say cannot be written', () => {
    expect(shell('nametag resolve --grup x 2> /dev/full; echo $?')).toBe('74\n');
  });

  it('says nothing when nobody reads on', () => {
    expect(shell('nametag --help | true')).toBe('');
  });
});
