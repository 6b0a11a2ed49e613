/**
 * Has the runtime optimise later than it would by itself, for a process that ends soon.
 *
 * V8 optimises on other threads what has run for some milliseconds, and a process that ends waits
 * for them. Reading one page of EC2's is over before any of that pays: without it 1,000 instances
 * take two thirds of the processor time, and 100,000 as long as with it.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** By the major version of Node, since V8 changes its flags: about twenty times the default. */
const flags: ReadonlyMap<string, string> = new Map([
  ['20', '--interrupt-budget=1320000'],
  ['22', '--invocation-count-for-turbofan=60000'],
  ['24', '--invocation-count-for-turbofan=60000'],
]);

/** A compressed page of a hundred instances is read before any optimisation is over. */
const largeBytesMin = 32 * 1024;

/** Node tells here of each answer that begins to arrive. */
const answersChannel = 'http.client.response.finish';

/**
 * Waits for the first large answer in XML, as EC2 gives it: bytecode that was made ahead is loaded
 * with the flags that it was made with or not at all, and by then all is loaded.
 *
 * @param setFlags - what sets the flags of V8
 */
export function optimiseLate(
  node: string = process.versions.node,
  setFlags: (flags: string) => Promise<void> | void = setV8Flags,
): void {
  const flag = flags.get(node.split('.')[0] ?? '');
  // V8 complains to the user of a flag that it does not have.
  if (flag === undefined) return;
  const onAnswer = (message: unknown): void => {
    if (!isLargeXml(message)) return;
    unsubscribe(answersChannel, onAnswer);
    // What inflates the answer is loaded first.
    setImmediate(() => void setFlags(flag));
  };
  subscribe(answersChannel, onAnswer);
}

async function setV8Flags(flag: string): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString(flag);
}

/** What Node tells is typed as anything. */
function isLargeXml(message: unknown): boolean {
  const { response }: { readonly response?: unknown } = { ...Object(message) };
  const { headers }: { readonly headers?: unknown } =
    response === undefined ? {} : Object(response);
  const { 'content-type': type, 'content-length': length }: Readonly<Record<string, unknown>> = {
    ...Object(headers),
  };
  if (typeof type !== 'string' || !/^(?:text|application)\/xml\b/.test(type)) return false;
  // One without its length may be as long as it likes.
  return !(Number(length) < largeBytesMin);
}
