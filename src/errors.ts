/**
 * Every failure that nametag reports, in one table: a stable code and the sentence it is told in.
 *
 * Callers match on `code`, never on text, and never on `instanceof` alone, since two copies of the
 * package can be loaded at once. Sentences follow one grammar:
 * `Could not <verb> <object>: <fact>. <What to do next>.`
 */

/** What each failure is told from: the region, the instance id, EC2's own code. */
export interface ErrorDetailsByCode {
  readonly NAMETAG_USAGE: { readonly problem: string; readonly remedy: string };
  readonly NAMETAG_NO_REGION: Record<never, never>;
  readonly NAMETAG_NO_CREDENTIALS: {
    readonly doing: string;
    readonly region: string;
    readonly fact: string;
  };
  readonly NAMETAG_EC2_DENIED: {
    readonly doing: string;
    readonly region: string;
    readonly awsCode: string;
    readonly iamAction: string;
    readonly awsMessage: string;
  };
  readonly NAMETAG_EC2_UNAUTHENTICATED: {
    readonly doing: string;
    readonly region: string;
    readonly awsCode: string;
  };
  readonly NAMETAG_EC2_THROTTLED: {
    readonly doing: string;
    readonly region: string;
    readonly awsCode: string;
    readonly attempts: number;
  };
  readonly NAMETAG_EC2_BUSY: {
    readonly doing: string;
    readonly region: string;
    readonly awsCode: string;
    readonly awsMessage: string;
  };
  readonly NAMETAG_EC2_UNREACHABLE: {
    readonly doing: string;
    readonly region: string;
    readonly endpoint: string;
    readonly fact: string;
  };
  readonly NAMETAG_EC2_MALFORMED: {
    readonly doing: string;
    readonly region: string;
    readonly fact: string;
  };
  readonly NAMETAG_EC2_REFUSED: {
    readonly doing: string;
    readonly region: string;
    readonly awsCode: string;
    readonly awsMessage: string;
  };
  readonly NAMETAG_INSTANCE_NOT_FOUND: {
    readonly doing: string;
    readonly region: string;
    readonly instanceId: string;
  };
  readonly NAMETAG_INSTANCE_NOT_ALIVE: {
    readonly doing: string;
    readonly region: string;
    readonly instanceId: string;
    readonly state: string;
  };
  readonly NAMETAG_TAG_LIMIT: {
    readonly instanceId: string;
    readonly region: string;
    readonly awsCode: string;
  };
  readonly NAMETAG_NOT_ON_EC2: { readonly endpoint: string; readonly fact: string };
  readonly NAMETAG_METADATA_DISABLED: Record<never, never>;
  readonly NAMETAG_METADATA_HOP_LIMIT: { readonly endpoint: string; readonly ms: number };
  readonly NAMETAG_METADATA_REFUSED: {
    readonly endpoint: string;
    readonly path: string;
    readonly status: number;
  };
  readonly NAMETAG_INVALID_SERVICE: { readonly service: string; readonly reason: string };
  readonly NAMETAG_CLAIM_UNDECIDED: {
    readonly service: string;
    readonly region: string;
    readonly instanceId: string;
    readonly rounds: number;
    readonly fact: string;
  };
  readonly NAMETAG_NOT_A_FOLLOWER: {
    readonly region: string;
    readonly instanceId: string;
    readonly fact: string;
  };
  readonly NAMETAG_MASTER_HOLDS_ON: {
    readonly name: string;
    readonly region: string;
    readonly by: string;
    readonly waitedMs: number;
  };
  readonly NAMETAG_MASTER_ASKED_FOR: {
    readonly name: string;
    readonly region: string;
    readonly by: string;
    readonly waitedMs: number;
  };
  readonly NAMETAG_CLAIM_BUSY: { readonly instanceId: string };
  readonly NAMETAG_NOT_READY: {
    readonly instanceId: string;
    readonly region: string;
    readonly fact: string;
  };
  readonly NAMETAG_NOBODY: {
    readonly what: string;
    readonly region: string;
    readonly hint: string;
  };
  readonly NAMETAG_TOO_FEW: {
    readonly what: string;
    readonly region: string;
    readonly found: number;
    readonly min: number;
  };
  readonly NAMETAG_NO_ENDPOINT: {
    readonly service: string;
    readonly region: string;
    /** What its definition asks for, as `are in group "tphon" and are ready`. */
    readonly wanted: string;
    readonly found: number;
    readonly min: number;
  };
  readonly NAMETAG_GUARD_HELD: {
    readonly region: string;
    /** How many members nobody has seen for too long, of how many. */
    readonly unseen: number;
    readonly members: number;
    /** How many of a hundred may go without evidence. */
    readonly percent: number;
  };
  readonly NAMETAG_BLOCK_BROKEN: { readonly path: string; readonly fact: string };
  readonly NAMETAG_BLOCK_EMPTIED: {
    readonly path: string;
    readonly entries: number;
    readonly region: string;
  };
  readonly NAMETAG_INPUT_MISSING: { readonly path: string; readonly fact: string };
  readonly NAMETAG_INPUT_UNREADABLE: { readonly path: string; readonly fact: string };
  readonly NAMETAG_OUTPUT_DENIED: { readonly path: string; readonly fact: string };
  readonly NAMETAG_OUTPUT_FAILED: {
    readonly path: string;
    readonly fact: string;
    /** Set when it was being written in place, and its old content could not be put back. */
    readonly torn?: boolean;
  };
  readonly NAMETAG_OUTPUT_BUSY: { readonly path: string; readonly fact: string };
  readonly NAMETAG_COMMAND_FAILED: { readonly command: string; readonly fact: string };
  readonly NAMETAG_BAD_TEMPLATE: {
    readonly path: string;
    /** `undefined` when it is of all that the template makes. */
    readonly place: { readonly line: number; readonly column: number } | undefined;
    readonly problem: string;
  };
  readonly NAMETAG_CHECK_FAILED: {
    /** The file that was to be replaced. */
    readonly path: string;
    readonly command: string;
    readonly fact: string;
  };
  readonly NAMETAG_RELOAD_FAILED: {
    readonly path: string;
    readonly command: string;
    readonly fact: string;
  };
  readonly NAMETAG_HOSTNAME_REFUSED: { readonly name: string; readonly fact: string };
  readonly NAMETAG_INVALID_INFO: {
    readonly path: string;
    readonly line: number;
    readonly problem: string;
  };
  readonly NAMETAG_INVALID_CONFIG: {
    readonly path: string;
    /** In the order of the file; never empty. */
    readonly problems: readonly {
      readonly line: number;
      readonly column: number;
      readonly problem: string;
    }[];
  };
  readonly NAMETAG_LISTEN_FAILED: { readonly address: string; readonly fact: string };
  readonly NAMETAG_NO_WATCHER: Record<never, never>;
  readonly NAMETAG_INVALID_FLEET: { readonly path: string; readonly problems: string };
  readonly NAMETAG_SANDBOX_FAILED: { readonly doing: string; readonly fact: string };
}

/** The stable code of a failure; the rows of docs/errors.md. */
export type ErrorCode = keyof ErrorDetailsByCode;

// All commands learn the id in one place, and these alone can do without.
const instead = '`claim-name`, `release-name` and `change-master` take `--instance-id` instead';

const sentences: { readonly [Code in ErrorCode]: (d: ErrorDetailsByCode[Code]) => string } = {
  NAMETAG_USAGE: (d) => `${d.problem}. ${d.remedy}.`,

  NAMETAG_NO_REGION: () =>
    'Could not tell which AWS region to ask: no `--region`, no `AWS_REGION`, no region in the ' +
    'profile, and no instance metadata. Pass `--region` or set `AWS_REGION`.',
  NAMETAG_NO_CREDENTIALS: (d) =>
    `Could not ${d.doing} in ${d.region}: no AWS credentials were found (${d.fact}). ` +
    'Attach an instance profile, or set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID`.',

  NAMETAG_EC2_DENIED: (d) =>
    `Could not ${d.doing} in ${d.region}: IAM does not allow \`${d.iamAction}\` (EC2 answered ` +
    `${d.awsCode}). Grant \`${d.iamAction}\` as in iam-policy.json.`,
  NAMETAG_EC2_UNAUTHENTICATED: (d) =>
    `Could not ${d.doing} in ${d.region}: EC2 did not accept the credentials (${d.awsCode}). ` +
    "Check the instance profile, or the keys' expiry and this machine's clock.",
  NAMETAG_EC2_THROTTLED: (d) =>
    `Could not ${d.doing} in ${d.region}: EC2 was still throttling (${d.awsCode}) after ` +
    `${d.attempts} attempts. Try again later, or ask less often.`,
  NAMETAG_EC2_BUSY: (d) =>
    `Could not ${d.doing} in ${d.region}: EC2 answered ${d.awsCode} each time ` +
    `("${d.awsMessage}"). Try again later.`,
  NAMETAG_EC2_UNREACHABLE: (d) =>
    `Could not ${d.doing} in ${d.region}: no usable answer from ${d.endpoint} (${d.fact}). ` +
    'Check the network, and the region if it was typed by hand.',
  NAMETAG_EC2_MALFORMED: (d) =>
    `Could not ${d.doing} in ${d.region}: EC2's answer could not be read: ${d.fact}. ` +
    'Check what answers at the endpoint.',
  NAMETAG_EC2_REFUSED: (d) =>
    `Could not ${d.doing} in ${d.region}: EC2 answered ${d.awsCode}: "${d.awsMessage}". ` +
    'Nothing was changed; look the code up in the EC2 API error reference.',
  NAMETAG_INSTANCE_NOT_FOUND: (d) =>
    `Could not ${d.doing} in ${d.region}: EC2 knows no instance ${d.instanceId} there. ` +
    'Check the id and the region.',
  NAMETAG_INSTANCE_NOT_ALIVE: (d) =>
    `Could not ${d.doing} in ${d.region}: instance ${d.instanceId} is ${d.state}. ` +
    'Start it, or name another instance.',
  NAMETAG_TAG_LIMIT: (d) =>
    `Could not tag ${d.instanceId} in ${d.region}: the instance has no room for another tag ` +
    `(${d.awsCode}; EC2 allows 50). Remove a tag that nobody needs.`,

  NAMETAG_NOT_ON_EC2: (d) =>
    `Could not learn this machine's instance id: no instance metadata at ${d.endpoint} ` +
    `(${d.fact}). Run it on an EC2 instance; ${instead}.`,
  NAMETAG_METADATA_DISABLED: () =>
    "Could not learn this machine's instance id: AWS_EC2_METADATA_DISABLED is set. " +
    `Unset it; ${instead}.`,
  NAMETAG_METADATA_HOP_LIMIT: (d) =>
    `Could not get a metadata token from ${d.endpoint}: the service takes connections, but no ` +
    `answer came within ${d.ms} ms. In a container, raise the instance's ` +
    '`HttpPutResponseHopLimit` to 2.',
  NAMETAG_METADATA_REFUSED: (d) =>
    `Could not read ${d.path} from the instance metadata at ${d.endpoint}: it answered ` +
    `${d.status}. Check that IMDSv2 is enabled for the instance.`,

  NAMETAG_INVALID_SERVICE: (d) =>
    `Could not claim a name for service "${d.service}": ${d.reason}. ` +
    'Use a short name of letters, digits and hyphens, like `web`.',
  NAMETAG_CLAIM_UNDECIDED: (d) =>
    `Could not claim a name for ${d.service} on ${d.instanceId} in ${d.region}: undecided after ` +
    `${d.rounds} rounds (${d.fact}). Run it again; it goes on from the tags.`,
  NAMETAG_NOT_A_FOLLOWER: (d) =>
    `Could not make ${d.instanceId} the master in ${d.region}: ${d.fact}. Claim a name of a ` +
    'masterful service on it first.',
  NAMETAG_MASTER_HOLDS_ON: (d) =>
    `Could not take ${d.name} over in ${d.region}: ${d.by} still has it after ${d.waitedMs} ms. ` +
    'Run `nametag claim-name` there, as its timer does, and this again, or pass `--force`.',
  NAMETAG_MASTER_ASKED_FOR: (d) =>
    `Could not take ${d.name} over in ${d.region}: nobody has it, and ${d.by} asks for it too, ` +
    `also after ${d.waitedMs} ms. Run \`nametag claim-name\` there, so that it gives way, and ` +
    'this again, or pass `--force`.',
  NAMETAG_CLAIM_BUSY: (d) =>
    `Could not claim a name for ${d.instanceId}: another nametag process on this machine is ` +
    'claiming or releasing its name. Run it again when that one has ended.',

  NAMETAG_NOT_READY: (d) =>
    `Could not mark ${d.instanceId} in ${d.region} as ready: ${d.fact}. Look at its service, or ` +
    'give it longer by `--timeout`.',
  NAMETAG_NOBODY: (d) => `Could not resolve ${d.what} in ${d.region}: nobody matches. ${d.hint}`,
  NAMETAG_TOO_FEW: (d) =>
    `Could not resolve ${d.what} in ${d.region}: ${d.found} match, at least ${d.min} are needed. ` +
    'Try again later, or lower `--min`; in the config file it is `"min"`.',
  NAMETAG_NO_ENDPOINT: (d) =>
    `Could not resolve service "${d.service}" in ${d.region}: ${d.found} running instances ` +
    `${d.wanted}, at least ${d.min} needed. Tag one so, or change what the service is defined as.`,

  NAMETAG_GUARD_HELD: (d) =>
    `Could not take EC2's new answer in ${d.region}: it lacks ${d.unseen} of ${d.members} ` +
    `instances, for longer than \`--max-stale\`, and nothing says that they are gone; at most ` +
    `${d.percent} % may go so. Wait until EC2 shows them, or pass \`--force\` if they are gone.`,

  NAMETAG_BLOCK_BROKEN: (d) =>
    `Could not update ${d.path}: ${d.fact}. The file was left as it is; mend its ` +
    '`# BEGIN nametag` and `# END nametag` lines.',
  NAMETAG_BLOCK_EMPTIED: (d) =>
    `Could not update ${d.path}: nobody matches in ${d.region}, and that would remove all ` +
    `${d.entries} entries of the block. The file was left as it is; pass \`--force\` if that ` +
    'is right.',
  NAMETAG_INPUT_MISSING: (d) => `Could not read ${d.path}: ${d.fact}. Check the path.`,
  NAMETAG_INPUT_UNREADABLE: (d) =>
    `Could not read ${d.path}: ${d.fact}. Check the path, and the permissions.`,
  NAMETAG_OUTPUT_DENIED: (d) =>
    `Could not write ${d.path}: ${d.fact}. Nothing was changed; check that its folder is there ` +
    'and that this user may write in it.',
  NAMETAG_OUTPUT_FAILED: (d) =>
    `Could not write ${d.path}: ${d.fact}. ` +
    (d.torn === true
      ? 'It was being written in place and is part old, part new; restore it from a backup.'
      : 'The file was left as it is.'),
  NAMETAG_OUTPUT_BUSY: (d) => `Could not write ${d.path}: ${d.fact}. Run it again later.`,

  NAMETAG_COMMAND_FAILED: (d) =>
    `Could not run \`${d.command}\`: ${d.fact}. Nothing was written; run it by hand to see why.`,

  NAMETAG_BAD_TEMPLATE: (d) =>
    `Could not render ${d.path}: ` +
    (d.place === undefined ? '' : `line ${d.place.line}, column ${d.place.column}: `) +
    `${d.problem}. No file was written; docs/templates.md tells what a template can say.`,
  NAMETAG_CHECK_FAILED: (d) =>
    `Could not replace ${d.path}: its check \`${d.command}\` failed: ${d.fact}. ` +
    'No file was written; mend the template, or the check.',
  NAMETAG_RELOAD_FAILED: (d) =>
    `Could not finish ${d.path}: it was written, and its command \`${d.command}\` failed: ` +
    `${d.fact}. The next run, or a later refresh, runs it again; run it by hand to see why.`,

  NAMETAG_HOSTNAME_REFUSED: (d) =>
    `Could not set the hostname to ${d.name}: ${d.fact}. Run it as root, or without ` +
    '`--set-hostname`.',
  NAMETAG_INVALID_INFO: (d) =>
    `Could not use ${d.path}: line ${d.line}: ${d.problem}. Write \`service [type] [alias…]\` ` +
    'there, as `db masterful cache`, where the type is `iterative` or `masterful`.',
  NAMETAG_INVALID_CONFIG: (d) =>
    `Could not use the config file ${d.path}: ${listProblems(d.problems)}. Mend it; ` +
    '`nametag config check` tells when it is right.',
  NAMETAG_LISTEN_FAILED: (d) =>
    `Could not listen on ${d.address}: ${d.fact}. Choose another address or port.`,
  NAMETAG_NO_WATCHER: () =>
    'Could not have the watcher refresh: none listens on this machine. Start `nametag watch`.',
  NAMETAG_INVALID_FLEET: (d) =>
    `Could not use the fleet file ${d.path}: ${d.problems}. See docs/sandbox.md for its shape.`,
  NAMETAG_SANDBOX_FAILED: (d) =>
    `Could not ${d.doing} the sandbox: ${d.fact}. Choose another \`--port\`, or none.`,
};

// Enough to go on with, in one line; `nametag config check` lists them all.
const listedProblemsMax = 5;

function listProblems(problems: ErrorDetailsByCode['NAMETAG_INVALID_CONFIG']['problems']): string {
  const listed = problems
    .slice(0, listedProblemsMax)
    .map(({ line, column, problem }) => `line ${line}, column ${column}: ${problem}`)
    .join('; ');
  const more = problems.length - listedProblemsMax;
  return more > 0 ? `${listed}; and ${more} more` : listed;
}

/** Every code, in the order of the table. */
export const errorCodes: readonly ErrorCode[] = Object.keys(sentences) as ErrorCode[];

/** What a failure has beside its details. */
export interface NametagErrorOptions {
  /** What was caught. */
  readonly cause?: unknown;
  /** One more sentence for a person, to go behind the code's own. */
  readonly also?: string;
}

/**
 * A failure that a caller can act on.
 *
 * Expected outcomes are return values and mistakes in calling are `TypeError`s; this is the rest.
 */
export class NametagError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'NametagError';
  readonly code: Code;
  readonly details: ErrorDetailsByCode[Code];

  constructor(code: Code, details: ErrorDetailsByCode[Code], options: NametagErrorOptions = {}) {
    const { also, ...rest } = options;
    const sentence = sentences[code](details);
    super(also === undefined ? sentence : `${sentence} ${also}`, rest);
    this.code = code;
    this.details = details;
  }
}

/** Tells whether `error` is a {@link NametagError}, with this code if one is given. */
export function isNametagError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is NametagError<Code> {
  return (
    error instanceof Error &&
    error.name === 'NametagError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  );
}
