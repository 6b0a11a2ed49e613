/** The answer does not say what an answer of EC2 says; the message tells where. */
export class MalformedAnswer extends Error {
  override readonly name: string = 'MalformedAnswer';
}

/** Tells by name, since the program has this class once in each of its bundles. */
export function isMalformedAnswer(error: unknown): error is MalformedAnswer {
  return error instanceof Error && error.name === 'MalformedAnswer';
}
