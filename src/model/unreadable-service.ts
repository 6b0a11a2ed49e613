import type { Directory } from './directory.ts';
import { type Question, select } from './endpoint.ts';
import { compareText, type Instance } from './instance.ts';
import type { Omission } from './selector.ts';
import { defaultVocabulary, serviceTagsOf, type Vocabulary } from './tags.ts';

/** A service that an instance does not offer, since its tag for it cannot be read. */
export interface UnreadableService {
  readonly instanceId: string;
  /** The tag's. */
  readonly key: string;
  /** Why it cannot be used, in a few words. */
  readonly fact: string;
}

/** Finds among those left out of an answer who offers its service by a tag that says nothing. */
export function unreadableAmong(
  omitted: readonly Omission[],
  { selector, vocabulary = defaultVocabulary }: Question,
): readonly UnreadableService[] {
  const key = `${vocabulary.servicePrefix}${selector.service}`;
  return omitted.flatMap(({ instanceId, reason, seen }) =>
    reason === 'service tag unreadable' ? [{ instanceId, key, fact: seen }] : [],
  );
}

/**
 * Finds those and, of whoever is in the answer, the tags of all other services: for what shows of
 * each instance what it offers, as a template may. By instance id, then by key.
 */
export function findUnreadable(
  directory: Directory,
  question: Question,
): readonly UnreadableService[] {
  const { endpoints, omitted } = select(directory, question);
  const answered = new Set(endpoints.map(({ instanceId }) => instanceId));
  const offered = directory.members
    .filter(({ instance }) => answered.has(instance.instanceId))
    .flatMap(({ instance }) => unreadableOf(instance, question.vocabulary));
  return [...unreadableAmong(omitted, question), ...offered].sort(
    (a, b) => compareText(a.instanceId, b.instanceId) || compareText(a.key, b.key),
  );
}

function unreadableOf(
  instance: Instance,
  vocabulary: Vocabulary = defaultVocabulary,
): readonly UnreadableService[] {
  const { instanceId } = instance;
  return [...serviceTagsOf(instance, vocabulary)].flatMap(([service, tag]) =>
    'refused' in tag
      ? [{ instanceId, key: `${vocabulary.servicePrefix}${service}`, fact: tag.refused }]
      : [],
  );
}
