import { describe, expect, it } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import type { Question } from '../../src/model/endpoint.ts';
import { select } from '../../src/model/endpoint.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { findUnreadable, unreadableAmong } from '../../src/model/unreadable-service.ts';
import { instance, snapshot } from '../helpers/instances.ts';

const host = (n: number, tags: Readonly<Record<string, string>>) =>
  instance({ instanceId: `i-${n}`, privateIpAddress: `10.0.0.${n}`, groups: ['web'], tags });

const directory = toDirectory(
  snapshot(
    host(1, { Name: 'web-1', 'service:web': 'port=80', 'service:db': '' }),
    host(2, { Name: 'web-2', 'service:web': 'port=0', 'service:db': 'port=x' }),
    host(3, { Name: 'a-1', 'service:web': 'Blue!', 'offers/web': 'port=0' }),
    host(4, { Name: 'a-2', 'service:Bad Name': 'port=0', service: 'port=0' }),
    { ...host(5, { 'service:web': 'port=0' }), state: 'stopped' },
    { ...host(6, { 'service:web': 'port=0' }), privateIpAddress: undefined },
  ),
);

const shown = (question: Question): readonly string[] =>
  findUnreadable(directory, question).map(({ instanceId, key, fact }) =>
    [instanceId, key, fact].join(' '),
  );

describe('findUnreadable', () => {
  it.each<[of: string, question: Question, found: readonly string[]]>([
    [
      'everybody',
      { selector: {} },
      [
        'i-2 service:db port=x is out of range',
        'i-2 service:web port=0 is out of range',
        'i-3 service:web "Blue!" is not a label',
      ],
    ],
    [
      'whom the selector means',
      { selector: { names: ['a-*'] } },
      ['i-3 service:web "Blue!" is not a label'],
    ],
    ['nobody', { selector: { groups: ['none'] } }, []],
    [
      'a service, with the other services of whoever offers it',
      { selector: { service: 'db', names: ['web-*'] } },
      ['i-2 service:db port=x is out of range'],
    ],
    [
      'a vocabulary',
      { selector: {}, vocabulary: { ...defaultVocabulary, servicePrefix: 'offers/' } },
      ['i-3 offers/web port=0 is out of range'],
    ],
  ])('is of %s', (_, question, found) => {
    expect(shown(question)).toEqual(found);
  });
});

describe('unreadableAmong', () => {
  it.each<[Question, readonly string[]]>([
    [{ selector: { service: 'web' } }, ['i-2', 'i-3', 'i-6']],
    [{ selector: {} }, []],
  ])('is of the service of %j alone', (question, found) => {
    const { omitted } = select(directory, question);
    expect(unreadableAmong(omitted, question).map(({ instanceId }) => instanceId)).toEqual(found);
  });
});
