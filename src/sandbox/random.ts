import type { Random } from '../ports.ts';

/**
 * Makes a source of numbers that depends on the seed and the purpose alone.
 *
 * Each purpose has its own sequence, so that a fault more or less does not change the ids of the
 * instances. The generator is sfc32 of PractRand; the seed is spread by FNV-1a.
 */
export function createRandom(seed: string | number, purpose = ''): Random {
  const text = `${seed}/${purpose}`;
  let a = hash(text, 0x811c9dc5);
  let b = hash(text, 0x9e3779b9);
  let c = hash(text, 0x85ebca6b);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first numbers still show the likeness of like seeds.
  for (let i = 0; i < 12; i += 1) next();
  return next;
}

function hash(text: string, basis: number): number {
  let h = basis;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}

/** Draws lower-case hexadecimal digits, of which EC2's ids are made. */
export function drawHex(random: Random, digits: number): string {
  let text = '';
  for (let i = 0; i < digits; i += 1) text += Math.floor(random() * 16).toString(16);
  return text;
}
