/** The file does not hold a snapshot that can be trusted; the message says why, after a colon. */
export class UnusableSnapshot extends Error {
  override readonly name: string = 'UnusableSnapshot';
}

/** Makes the error of a file that is whole, and says what this program never writes. */
export function malformed(fact: string): UnusableSnapshot {
  return new UnusableSnapshot(`${fact}, which no snapshot of this program says`);
}
