/** The handlers of a watcher, made of what a config file and the flags say. */
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { systemClock } from '../host/clock.ts';
import { createEventFiles } from '../host/event-file.ts';
import { createHandlersFolder } from '../host/handlers-folder.ts';
import { createCommands } from '../host/run-command.ts';
import type { HandlerSpec } from '../model/handler-spec.ts';
import type { Log } from '../model/log-line.ts';
import { createHandlerFeed, type HandlerFeed } from '../run-handlers.ts';
import type { Io } from './io.ts';
import type { OutputTerms } from './watch-outputs.ts';

/** Makes the feed of handlers: those of the flags, then those of the file, then its folder's. */
export function openHandlers(
  ofFlags: readonly HandlerSpec[] = [],
  watched: Pick<Config, 'handlers'> & Partial<Pick<Config, 'handlersFolder'>>,
  { vocabulary, selfId }: OutputTerms,
  log: Log,
  io: Io,
): HandlerFeed {
  const folder = watched.handlersFolder;
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
