import { randomInt } from 'node:crypto';
import type { Random } from '../ports.ts';

// The largest power of two that `randomInt` takes as a range.
const steps = 2 ** 47;

/** The chance of this machine. */
export const systemRandom: Random = () => randomInt(steps) / steps;
