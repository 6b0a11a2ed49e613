import { systemClock } from '../../host/clock.ts';
import { takesConnectionHere } from '../../host/probe.ts';
import { createCommands } from '../../host/run-command.ts';
import { markDrained, markReady } from '../../readiness.ts';
import type { Io } from '../io.ts';
import type { AwsOptions } from '../options.ts';
import { claimEc2Of, ec2Of, metadataOf } from '../wiring.ts';

/** What `ready` was told. */
export interface ReadyOptions extends AwsOptions {
  readonly waitPort?: number;
  readonly check?: string;
  /** In milliseconds. */
  readonly timeout?: number;
}

/** Puts this instance in service, quietly. */
export async function runReady(options: ReadyOptions, io: Io): Promise<number> {
  const { waitPort, check, timeout, vocabulary } = options;
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const instanceId = await metadata.instanceId(call);
  const ec2 = await claimEc2Of(options, io, metadata);
  const commands = createCommands({ environment: io.env });
  await markReady(
    { instanceId, vocabulary, port: waitPort, check, timeoutMs: timeout },
    { ec2, clock: systemClock, commands, takesConnection: takesConnectionHere },
    call,
  );
  return 0;
}

/** Takes this instance out of service, quietly. */
export async function runDrain(options: AwsOptions, io: Io): Promise<number> {
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const instanceId = await metadata.instanceId(call);
  const ec2 = await ec2Of(options, io, metadata);
  await markDrained({ instanceId, vocabulary: options.vocabulary }, { ec2 }, call);
  return 0;
}
