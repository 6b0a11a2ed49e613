import { isNametagError } from './errors.ts';
import type { Finding, Observations } from './model/host-check.ts';
import { mayDescribe, type PermissionCase, permissionCasesOf } from './model/permission.ts';
import { everyoneAlive } from './model/selector.ts';
import type { Snapshot } from './model/snapshot.ts';
import { defaultVocabulary, type Vocabulary } from './model/tags.ts';
import type { CallOptions, Ec2, Metadata, Permissions } from './ports.ts';

type Found<Name extends keyof Observations> = Extract<
  Observations[Name],
  { readonly kind: 'found' }
>['value'];

/** What {@link examineHost} looks at. */
export interface ExaminePorts {
  readonly metadata: Metadata;
  /** @throws {@link NametagError} with code `NAMETAG_NO_REGION`. */
  findRegion(options: CallOptions): Promise<Found<'region'>>;
  /** @throws {@link NametagError} with code `NAMETAG_NO_CREDENTIALS`. */
  findCredentials(region: string, options: CallOptions): Promise<Found<'credentials'>>;
  /** Neither is asked anything yet. */
  open(region: string): { readonly ec2: Ec2; readonly permissions: Permissions };
}

/**
 * Looks at everything that nametag needs on the machine it runs on, and changes nothing.
 *
 * Whatever fails is part of what was seen, and the rest is looked at all the same.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when a setting cannot be one.
 */
export async function examineHost(
  ports: ExaminePorts,
  options: CallOptions = {},
  vocabulary: Vocabulary = defaultVocabulary,
): Promise<Observations> {
  const metadata = await tryTo(async () => ({
    instanceId: await ports.metadata.instanceId(options),
    region: await ports.metadata.region(options),
  }));
  const region = await tryTo(() => ports.findRegion(options));
  const place = region.kind === 'found' ? region.value.region : 'any region';
  const credentials = await tryTo(() => ports.findCredentials(place, options));
  const known = { metadata, region, credentials };
  if (region.kind === 'failed' || credentials.kind === 'failed') {
    return { ...known, attempts: [], snapshot: undefined };
  }
  const self = metadata.kind === 'found' ? metadata.value.instanceId : undefined;
  return { ...known, ...(await askEc2(ports.open(place), self, options, vocabulary)) };
}

async function askEc2(
  { ec2, permissions }: { readonly ec2: Ec2; readonly permissions: Permissions },
  self: string | undefined,
  options: CallOptions,
  vocabulary: Vocabulary,
): Promise<Pick<Observations, 'attempts' | 'snapshot'>> {
  const tryOne = async (permission: PermissionCase) => ({
    permission,
    answer: await permissions.mayI(permission.attempt, options),
  });
  const first = await tryOne(mayDescribe);
  // Nothing that would change something is sent to what does not know a dry run.
  if (first.answer.kind === 'unknown') return { attempts: [first], snapshot: undefined };
  const snapshot =
    first.answer.kind === 'allowed'
      ? await tryTo(() => ec2.describeInstances([everyoneAlive], options))
      : undefined;
  if (self === undefined) return { attempts: [first], snapshot };
  const cases = permissionCasesOf(self, anotherThan(self, snapshot), vocabulary);
  return { attempts: [first, ...(await Promise.all(cases.map(tryOne)))], snapshot };
}

/** No instance's id. IAM is asked before it is looked up, so a refusal tells as much. */
const nobodyId = 'i-00000000000000000';

function anotherThan(self: string, snapshot: Finding<Snapshot> | undefined): string {
  const instances = snapshot?.kind === 'found' ? snapshot.value.instances : [];
  return instances.find(({ instanceId }) => instanceId !== self)?.instanceId ?? nobodyId;
}

async function tryTo<T>(look: () => Promise<T>): Promise<Finding<T>> {
  try {
    return { kind: 'found', value: await look() };
  } catch (failure) {
    // A setting that cannot be one ends every command alike.
    if (!isNametagError(failure) || failure.code === 'NAMETAG_USAGE') throw failure;
    return { kind: 'failed', failure };
  }
}
