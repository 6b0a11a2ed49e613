import { expect, test } from 'vitest';
import { systemRandom } from '../../src/host/random.ts';

test('systemRandom gives numbers from 0 to 1, all over', () => {
  const drawn = Array.from({ length: 1000 }, systemRandom);
  expect(drawn.every((chance) => chance >= 0 && chance < 1)).toBe(true);
  const tenths = new Set(drawn.map((chance) => Math.floor(chance * 10)));
  expect(tenths.size).toBe(10);
});
