/**
 * What the credentials may do, by EC2's dry runs: `DryRunOperation` says that the request would
 * have been carried out, `UnauthorizedOperation` that it would not.
 *
 * Source: Amazon EC2 API Reference, "Common query parameters", `DryRun`.
 */
import { withDeadline } from '../deadline.ts';
import { isNametagError, NametagError } from '../errors.ts';
import type { Attempt } from '../model/permission.ts';
import type { CallOptions, Permissions } from '../ports.ts';
import { credentialProvider } from './credentials.ts';
import type { DryRunClient } from './dry-run-client.ts';
import { type Doing, toFailure } from './failure.ts';
import type { Ec2GatewayOptions } from './gateway.ts';
import { findServiceSettings } from './service-settings.ts';
import type { Environment } from './settings.ts';

/** Makes the port to a region. The SDK is loaded at the first attempt. */
export function dryRunPermissions(options: Ec2GatewayOptions): Permissions {
  const { region, profile, endpoint, deadlineMs = 30_000, env = process.env } = options;
  let client: Promise<DryRunClient> | undefined;
  let origin = 'EC2';

  async function openClient(): Promise<DryRunClient> {
    const { createDryRunClient } = await import('./dry-run-client.ts');
    const settings = findServiceSettings({ region, profile, endpoint, env });
    origin = settings.origin;
    return createDryRunClient({ settings, credentials: credentialProvider({ env, profile }) });
  }

  return {
    async mayI(attempt, { signal } = {}) {
      const about = () => toDoing(attempt, region, origin);
      let aheadMs: number | undefined;
      let failure: unknown;
      try {
        await withDeadline(deadlineMs, signal, async (abortSignal) => {
          client ??= openClient();
          const onDate = (date: Date) => {
            // A date is in whole seconds, so the answer is half a second younger on average.
            aheadMs = Date.now() - (date.getTime() + 500);
          };
          await (await client).send(attempt, { abortSignal, onDate });
        });
        const fact = 'it took a dry run for a request to carry out';
        failure = new NametagError('NAMETAG_EC2_MALFORMED', { ...about(), fact });
      } catch (error) {
        signal?.throwIfAborted();
        failure = toFailure(error, about());
      }
      if (isDryRunOperation(failure)) return { kind: 'allowed', aheadMs };
      if (isNametagError(failure, 'NAMETAG_EC2_DENIED')) return { kind: 'denied', aheadMs };
      if (isNametagError(failure)) return { kind: 'unknown', failure, aheadMs };
      throw failure;
    },
  };
}

/**
 * Looks for credentials where the SDK does, and asks EC2 nothing.
 *
 * @throws {@link NametagError} with code `NAMETAG_NO_CREDENTIALS`.
 */
export async function findCredentials(
  options: {
    readonly region: string;
    readonly env: Environment;
    readonly profile?: string | undefined;
  },
  { signal }: CallOptions = {},
): Promise<{ readonly areTemporary: boolean }> {
  try {
    const { sessionToken } = await withDeadline(10_000, signal, credentialProvider(options));
    return { areTemporary: sessionToken !== undefined };
  } catch (error) {
    signal?.throwIfAborted();
    const doing = 'sign requests';
    const { region } = options;
    throw toFailure(error, { doing, region, endpoint: 'EC2', iamAction: 'ec2:DescribeInstances' });
  }
}

function toDoing(attempt: Attempt, region: string, endpoint: string): Doing {
  const { action } = attempt;
  return {
    doing: `try \`ec2:${action}\``,
    region,
    endpoint,
    iamAction: `ec2:${action}`,
    ...('instanceId' in attempt && { instanceId: attempt.instanceId }),
  };
}

function isDryRunOperation(failure: unknown): boolean {
  return (
    isNametagError(failure, 'NAMETAG_EC2_REFUSED') && failure.details.awsCode === 'DryRunOperation'
  );
}
