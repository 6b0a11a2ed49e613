import { NametagError } from '../errors.ts';

/**
 * Refuses to give this machine the hostname of another instance.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
export function checkHostnameUsage({
  instanceId,
  setHostname,
}: {
  readonly instanceId?: string;
  readonly setHostname?: true;
}): void {
  if (!setHostname || instanceId === undefined) return;
  const problem = '`--set-hostname` is for this machine, and `--instance-id` for another';
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Leave one of them out' });
}
