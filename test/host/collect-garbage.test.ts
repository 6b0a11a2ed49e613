import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/host/collect-garbage.ts';

test('frees what nothing refers to, and keeps what something does', async () => {
  const kept = { name: 'kept' };
  const references = [new WeakRef({ name: 'lost' }), new WeakRef(kept)];
  // Until the turn ends, a weak reference that was just made counts as a strong one.
  await turn();
  collectGarbage();
  await turn();
  expect(references.map((reference) => reference.deref())).toEqual([undefined, kept]);
  expect(globalThis).not.toHaveProperty('gc');
});
