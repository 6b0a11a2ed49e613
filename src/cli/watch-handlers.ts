/** The handlers of a watcher, made of what a config file and the flags say. */
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { systemClock } from '../host/clock.ts';
import { createEventFiles } from '../host/event-file.ts';
import { createHandlersFolder, findStrays } from '../host/handlers-folder.ts';
import { createCommands } from '../host/run-command.ts';
import type { HandlerSpec } from '../model/handler-spec.ts';
import type { Log } from '../model/log-line.ts';
import { createHandlerFeed, type HandlerFeed } from '../run-handlers.ts';
import type { Io } from './io.ts';
import type { OutputTerms } from './watch-outputs.ts';

/**
 * Makes the feed of handlers: those of the flags, then those of the file, then its folder's; and
 * logs what is in that folder to no end.
 */
export async function openHandlers(
  ofFlags: readonly HandlerSpec[] = [],
  watched: Pick<Config, 'handlers'> & Partial<Pick<Config, 'handlersFolder'>>,
  { vocabulary, selfId }: OutputTerms,
  log: Log,
  io: Io,
): Promise<HandlerFeed> {
  const folder = watched.handlersFolder;
  for (const { path, fact } of folder === undefined ? [] : await findStrays(folder)) {
    const message = `Nothing runs what is at ${path}: ${fact}.`;
    log({ level: 'warn', event: 'handler-refused', message, fields: { path } });
  }
  return createHandlerFeed(
    {
      commands: createCommands({ environment: io.env }),
      clock: systemClock,
      eventFiles: createEventFiles(io.env),
      handlersFolder: folder === undefined ? undefined : createHandlersFolder(folder),
      log,
    },
    {
      handlers: [...ofFlags, ...watched.handlers],
      vocabulary,
      selfId,
      selfName: hostname(),
    },
  );
}
