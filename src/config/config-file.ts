/** What a config file says, as it is written. docs/watch.md explains each key. */
import type { AddressKind } from '../model/address.ts';
import type { EscapeKind } from '../model/escape-kind.ts';
import type { LogFormat, LogLevel } from '../model/log-line.ts';
import type { Vocabulary } from '../model/tags.ts';
import type { ClaimKeys } from './claim-keys.ts';

/** The largest file that is read, in bytes. A config of a thousand entries has a tenth of it. */
export const configBytesMax = 1_048_576;

/** One, or a list of them: what a flag that can be repeated is in a file. */
export type OneOrMore<T> = T | readonly T[];

/** Which instances are meant, in the words of the flags. */
export interface SelectorKeys {
  readonly service?: string | undefined;
  readonly group?: OneOrMore<string> | undefined;
  readonly anyGroup?: boolean | undefined;
  readonly ready?: boolean | undefined;
  readonly tag?: OneOrMore<string> | undefined;
  readonly notTag?: OneOrMore<string> | undefined;
  readonly name?: OneOrMore<string> | undefined;
  readonly az?: OneOrMore<string> | undefined;
  readonly vpc?: OneOrMore<string> | undefined;
  readonly notSelf?: boolean | undefined;
}

/** A hosts file, or a folder of them, to keep. */
export interface HostsKeys extends SelectorKeys {
  readonly write?: string | undefined;
  readonly dir?: string | undefined;
  readonly block?: string | undefined;
  readonly domain?: string | undefined;
  readonly address?: 'private' | 'public' | 'ipv6' | undefined;
  readonly min?: number | undefined;
  readonly legacy?: string | undefined;
  readonly legacyUpdater?: string | undefined;
}

/** A file to render. */
export interface RenderKeys extends SelectorKeys {
  readonly template: string;
  readonly dest: string;
  readonly command?: string | undefined;
  readonly check?: string | undefined;
  readonly mode?: string | undefined;
  readonly escape?: EscapeKind | undefined;
  readonly domain?: string | undefined;
  readonly address?: AddressKind | undefined;
  readonly port?: number | undefined;
  readonly min?: number | undefined;
}

/** A command to run at events. */
export interface HandlerKeys {
  readonly events?: OneOrMore<string> | undefined;
  readonly command: string;
  readonly timeout?: string | undefined;
}

/** A whole file. */
export interface ConfigFile {
  readonly $schema?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly scope?: 'region' | 'vpc' | undefined;
  readonly settle?: string | undefined;
  readonly vocabulary?: { readonly [Key in keyof Vocabulary]?: string | undefined } | undefined;
  readonly interval?: string | undefined;
  readonly maxAge?: string | undefined;
  readonly maxStale?: string | undefined;
  readonly maxRemove?: string | undefined;
  readonly splay?: string | undefined;
  readonly log?:
    | {
        readonly format?: LogFormat | undefined;
        readonly level?: LogLevel | undefined;
      }
    | undefined;
  readonly listen?: string | undefined;
  readonly claim?: ClaimKeys | undefined;
  readonly hosts?: readonly HostsKeys[] | undefined;
  readonly render?: readonly RenderKeys[] | undefined;
  readonly handlers?: readonly (string | HandlerKeys)[] | undefined;
  readonly handlersFolder?: string | undefined;
}
