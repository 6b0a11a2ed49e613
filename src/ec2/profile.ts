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
  const config = parse(readIfThere(sharedFile(env, 'AWS_CONFIG_FILE', 'config')));
  const credentials = parse(
    readIfThere(sharedFile(env, 'AWS_SHARED_CREDENTIALS_FILE', 'credentials')),
  );
  const own = new Map([
    ...(config.get(`profile ${name}`) ?? []),
    ...((name === 'default' && config.get(name)) || []),
  ]);
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

function sharedFile(env: Environment, variable: string, name: string): string {
  return env[variable] || join(env['HOME'] || homedir(), '.aws', name);
}

/** At once: a thread for each of these few lines would take longer than they do. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The settings under each heading. */
function parse(text: string): ReadonlyMap<string, Settings> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let outer = '';
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    if (heading !== undefined) {
      const name = unquote(heading);
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      outer = '';
      continue;
    }
    const [, indent, name, value] = settingPattern.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (!indent) outer = value === '' ? `${name}.` : '';
    if (value === '' || (indent && outer === '')) continue;
    section.set(indent ? outer + name : name, value);
  }
  return sections;
}

// A comment begins a line, or follows a value and a blank.
const settingPattern = /^(\s*)([^\s#;=][^\s=]*)\s*=\s*(.*?)\s*(?:\s[#;].*)?$/;

function unquote(heading: string): string {
  return heading.trim().replace(/^(profile|services)\s+(["']?)(.*)\2$/, '$1 $3');
}
