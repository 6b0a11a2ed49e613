/**
 * Tells one source of credentials from another without asking any of them.
 *
 * Answers are kept on disk, and one account's must never be given to another. Which account it is
 * only the source knows, so whatever could choose the source goes into the key: that parts the
 * answers of one account at times, and never joins those of two.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sharedFile } from './profile.ts';
import type { Environment } from './settings.ts';

// What the sources after the profile go by. Source: AWS SDKs and Tools Reference Guide,
// "Standardized credential providers". None of these holds a secret.
const variables = [
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE',
  'AWS_EC2_INSTANCE_PROFILE_NAME',
] as const;

// Itself a secret, and the one thing that parts two that ask at the same address.
const secretVariables = ['AWS_CONTAINER_AUTHORIZATION_TOKEN'] as const;

// In pods of one cluster path and role may be the same; whose the token is says which one it is.
const tokenFiles = ['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];

/**
 * Makes a text that is the same as long as the same credentials would be found, in the order of
 * the program: the profile asked for, the keys of the environment, everything else.
 *
 * It holds no secret: a setting that is known to hold none is in it as it is, and of all else, such
 * as a token without a public part, a digest. Sections of the shared files that the profile refers
 * to are part of it, also where the keys are in the environment: they may say which EC2 is asked.
 * What cannot be read counts as not there.
 */
export function credentialsKey(env: Environment, profile?: string): string {
  const chosen = profile || env['AWS_PROFILE'];
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const name = chosen || 'default';
  const credentials = read(sharedFile(env, 'credentials'));
  const config = read(sharedFile(env, 'config'));
  const tokens = tokenFiles.map((variable) => read(env[variable]));
  const sections = sectionsOf(name, [...parse(credentials), ...parse(config)]);
  if (!chosen && accessKeyId && env['AWS_SECRET_ACCESS_KEY']) {
    return `keys ${JSON.stringify([accessKeyId, sections.map(toPlace).map(toTold)])}`;
  }
  return `profile ${JSON.stringify([
    name,
    sections.map(toTold),
    variables.map((variable) => tellUrl(env[variable] || '')),
    secretVariables.map((variable) => digest(env[variable] || '')),
    tokens.map(subjectOf),
  ])}`;
}

/** At once: a thread for each of these few lines would take longer than they do. */
function read(path: string | undefined): string {
  if (!path) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A heading with its settings, without those that are secret. */
interface Section {
  readonly name: string;
  readonly lines: readonly string[];
}

function parse(text: string): Section[] {
  const sections: { name: string; lines: string[] }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    if (heading !== undefined) sections.push({ name: nameOf(heading), lines: [] });
    else if (
      /\S/.test(line) &&
      !/^\s*(?:[#;]|aws_secret_access_key|aws_session_token)/i.test(line)
    ) {
      sections.at(-1)?.lines.push(line.trim());
    }
  }
  return sections;
}

/** In the config file a profile is `[profile x]`, in the other `[x]`; either may be quoted. */
function nameOf(heading: string): string {
  return heading.trim().replace(/^(?:profile\s+)?(["']?)(.*)\1$/, '$2');
}

const referencePattern = /^(source_profile|sso_session|services)\s*=\s*(.*)$/;
const prefixOf: Readonly<Record<string, string>> = {
  sso_session: 'sso-session ',
  services: 'services ',
};
const servicesPattern = /^services\s/;
const placePattern = /^(?:endpoint_url|services|ignore_configured_endpoint_urls)\s*=/;

/**
 * What of a section says where EC2 is. Source: AWS SDKs and Tools Reference Guide,
 * "Service-specific endpoints".
 */
function toPlace({ name, lines }: Section): Section {
  const all = servicesPattern.test(name);
  return { name, lines: all ? lines : lines.filter((line) => placePattern.test(line)) };
}

// Settings that hold no secret. Source: AWS SDKs and Tools Reference Guide, "Settings reference".
const openSettings: ReadonlySet<string> = new Set([
  'aws_access_key_id',
  'credential_source',
  'duration_seconds',
  'endpoint_url',
  'ignore_configured_endpoint_urls',
  'mfa_serial',
  'output',
  'region',
  'role_arn',
  'role_session_name',
  'services',
  'source_profile',
  'sso_account_id',
  'sso_registration_scopes',
  'sso_region',
  'sso_role_name',
  'sso_session',
  'sso_start_url',
  'web_identity_token_file',
]);

/** Only what may be secret needs a digest: to load what makes one takes a tenth of a young run. */
function toTold({ name, lines }: Section): Section {
  return { name, lines: lines.map((line) => (isOpen(line) ? tellUrl(line) : digest(line))) };
}

/** A setting without a value is the heading of others, such as `ec2 =` of services. */
function isOpen(line: string): boolean {
  const [, setting = '', value] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
  return openSettings.has(setting) || value === '';
}

// An address may have a password before its host, and anything in its query. What reads like a
// digest gets one too, so that no text is told as another is.
const secretUrlPattern = /:\/\/[^/\s]*@|\?|^sha256:/;

/** Gives an address as it is, or a digest of one that may hold a secret. */
export function tellUrl(text: string): string {
  return secretUrlPattern.test(text) ? digest(text) : text;
}

/** The profile's sections, and those that they refer to, each once. */
function sectionsOf(profile: string, all: readonly Section[]): readonly Section[] {
  const names = new Set([profile]);
  // A set that grows while it is walked is walked to its end, and no name is in it twice.
  for (const name of names) {
    for (const line of all.filter((section) => section.name === name).flatMap((s) => s.lines)) {
      const [, setting, value] = referencePattern.exec(line) ?? [];
      if (setting && value) names.add(`${prefixOf[setting] ?? ''}${value}`);
    }
  }
  return all.filter(({ name }) => names.has(name));
}

/** Who a token speaks of (RFC 7519 section 4.1); it is renewed often, and who it is stays. */
function subjectOf(token: string): readonly unknown[] {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { iss, sub } = JSON.parse(payload) as Readonly<Record<string, unknown>>;
    return [iss, sub];
  } catch {
    return [];
  }
}

/** Of nothing it is nothing, as that is no secret. */
function digest(text: string): string {
  return text && `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}
