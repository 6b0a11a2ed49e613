/**
 * What the files that all AWS tools share say of one profile.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './settings.ts';

/** One profile; a setting that is empty counts as not set. */
export interface Profile {
  /** As its user calls it. */
  readonly name: string;
  /** Of the credentials file. */
  readonly credentials: Settings;
  /** Of the config file. */
  readonly config: Settings;
  /** Of the section `services` that the profile names; those of EC2 begin with `ec2.`. */
  readonly services: Settings;
}

/** By name; what is indented under a setting without a value is `setting.name`. */
export type Settings = ReadonlyMap<string, string>;

/**
 * Reads the profile that is asked for, else that of `AWS_PROFILE`, else the default one.
 *
 * It has no settings where a file is missing or not ours to read, as with the AWS CLI.
 */
export function readProfile(env: Environment, profile?: string): Profile {
  const name = profile || env['AWS_PROFILE'] || 'default';
  const config = parse(readIfThere(sharedFile(env, 'config')));
  const credentials = parse(readIfThere(sharedFile(env, 'credentials')));
  // Of the two ways to write the default one, that with the prefix counts alone.
  const unprefixed = name === 'default' ? config.get(name) : undefined;
  const own = config.get(`profile ${name}`) ?? unprefixed ?? none;
  const services = own.get('services');
  return {
    name,
    config: own,
    credentials: credentials.get(name) ?? none,
    services: (services && config.get(`services ${services}`)) || none,
  };
}

const none: Settings = new Map();

/** Gives a setting of the config file, which goes before the credentials file. */
export function settingOf({ config, credentials }: Profile, name: string): string | undefined {
  return config.get(name) ?? credentials.get(name);
}

/** Gives the path of one of the two files, `config` or `credentials`. */
export function sharedFile(env: Environment, name: 'config' | 'credentials'): string {
  const set = env[name === 'config' ? 'AWS_CONFIG_FILE' : 'AWS_SHARED_CREDENTIALS_FILE'];
  const home = env['HOME'] || homedir();
  // A shell would have put it there; what is set in a unit file has not seen one.
  return set?.replace(/^~(?=\/)/, home) || join(home, '.aws', name);
}

/** At once: a thread for each of these few lines would take longer than they do. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The settings under each heading that has some. */
function parse(text: string): ReadonlyMap<string, Settings> {
  const sections = new Map<string, Map<string, string>>();
  let section = '';
  let outer = '';
  for (const line of text.split(/\r?\n/)) {
    // A comment begins a line, or follows a blank.
    const said = line.replace(/(^|\s)[#;].*$/, '').trimEnd();
    const heading = /^\s*\[([^\]]*)\]/.exec(said)?.[1];
    if (heading !== undefined) {
      section = unquote(heading);
      outer = '';
      continue;
    }
    const [, indent, name, value] = settingPattern.exec(said) ?? [];
    if (name === undefined || value === undefined) continue;
    if (!indent) outer = '';
    if (value === '') {
      outer = `${name}.`;
      continue;
    }
    const settings = sections.get(section) ?? new Map<string, string>();
    sections.set(section, settings.set(outer + name, value));
  }
  return sections;
}

const settingPattern = /^(\s*)([^\s=]+)\s*=\s*(.*)$/;

function unquote(heading: string): string {
  return heading.trim().replace(/^(profile|services)\s+(["']?)(.*)\2$/, '$1 $3');
}
