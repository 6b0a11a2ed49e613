import type { Directory, DirectoryOptions } from './model/directory.ts';
import { type Question, type Selection, select } from './model/endpoint.ts';
import { toQuery } from './model/selector.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';
import { readDirectory } from './read-directory.ts';

/** Who is asked for, and how names are read. */
export interface ResolveRequest extends Question, DirectoryOptions {
  /** Whether the answer will show names. They always matter when the selector has some. */
  readonly namesMatter: boolean;
}

/** The answer, and the directory it was read off. */
export interface Resolution extends Selection {
  readonly directory: Directory;
}

/**
 * Asks EC2 who matches.
 *
 * @throws as {@link Ec2} does. Nobody matching is an empty answer, not an error.
 */
export async function resolve(
  request: ResolveRequest,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<Resolution> {
  const { selector, domain, vocabulary = defaultVocabulary } = request;
  const queries = [toQuery(selector, vocabulary)];
  const namesMatter = request.namesMatter || selector.names !== undefined;
  const directory = await readDirectory({ queries, namesMatter, domain, vocabulary }, ec2, options);
  return { directory, ...select(directory, request) };
}
