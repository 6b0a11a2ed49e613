/** What is asked of the world, in which order, and what is not asked any more. */
import { describe, expect, test } from 'vitest';
import { NametagError } from '../src/errors.ts';
import { type ExaminePorts, examineHost } from '../src/examine-host.ts';
import type { Attempt, AttemptAnswer } from '../src/model/permission.ts';
import type { CallOptions } from '../src/ports.ts';
import { instance, snapshot } from './helpers/instances.ts';

const allowed: AttemptAnswer = { kind: 'allowed', aheadMs: 0 };
const denied: AttemptAnswer = { kind: 'denied', aheadMs: 0 };
const carriedOut: AttemptAnswer = {
  kind: 'unknown',
  failure: new NametagError('NAMETAG_EC2_MALFORMED', { doing: 'd', region: 'r', fact: 'f' }),
  aheadMs: 0,
};

/** A host whose calls are listed, and whose first attempt is answered so. */
function host(first: AttemptAnswer, ...others: readonly string[]) {
  const tried: Attempt[] = [];
  let describes = 0;
  const ports: ExaminePorts = {
    metadata: {
      instanceId: async () => 'i-5',
      region: async () => 'eu-west-1',
      identity: () => Promise.reject(new Error('Not asked for here.')),
    },
    findRegion: async () => ({ region: 'eu-west-1', from: 'a test' }),
    findCredentials: async () => ({ areTemporary: true }),
    open: () => ({
      ec2: {
        region: 'eu-west-1',
        describeInstances: async () => {
          describes += 1;
          return snapshot(...['i-5', ...others].map((instanceId) => instance({ instanceId })));
        },
        createTags: () => Promise.reject(new Error('Nothing is written here.')),
      },
      permissions: {
        mayI: async (attempt: Attempt, { signal }: CallOptions = {}) => {
          signal?.throwIfAborted();
          tried.push(attempt);
          return attempt.action === 'DescribeInstances' ? first : denied;
        },
      },
    }),
  };
  return { ports, tried, describes: () => describes };
}

const tagged = (tried: readonly Attempt[]): readonly string[] => [
  ...new Set(tried.flatMap((attempt) => ('instanceId' in attempt ? attempt.instanceId : []))),
];

describe('examineHost', () => {
  test('tries what is not needed on the own instance, and a tag on another', async () => {
    const { ports, tried } = host(allowed, 'i-7', 'i-3');
    const { attempts } = await examineHost(ports);
    expect(attempts.map(({ permission }) => permission.attempt)).toEqual(tried);
    expect(tagged(tried)).toEqual(['i-5', 'i-3']);
  });

  test('tries it on nobody when nobody else is known', async () => {
    const alone = host(allowed);
    await examineHost(alone.ports);
    const blind = host(denied, 'i-3');
    await examineHost(blind.ports);
    expect(blind.describes()).toBe(0);
    for (const { tried } of [alone, blind]) {
      expect(tagged(tried)).toEqual(['i-5', 'i-00000000000000000']);
    }
  });

  test('sends nothing that would change something to what carries dry runs out', async () => {
    const { ports, tried, describes } = host(carriedOut, 'i-3');
    const { attempts, snapshot: seen } = await examineHost(ports);
    expect(tried).toEqual([{ action: 'DescribeInstances' }]);
    expect({ tries: attempts.length, seen, describes: describes() }).toEqual({
      tries: 1,
      seen: undefined,
      describes: 0,
    });
  });

  test('ends with its caller', async () => {
    const signal = AbortSignal.abort('enough');
    await expect(examineHost(host(allowed).ports, { signal })).rejects.toBe('enough');
  });

  test.each([
    new NametagError('NAMETAG_USAGE', { problem: 'p', remedy: 'r' }),
    new TypeError('a mistake'),
  ])('does not take %s for something seen', async (error) => {
    const findRegion = () => Promise.reject(error);
    await expect(examineHost({ ...host(allowed).ports, findRegion })).rejects.toBe(error);
  });
});
