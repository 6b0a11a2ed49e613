import { dryRunPermissions, findCredentials } from '../../ec2/dry-run.ts';
import { ec2Gateway } from '../../ec2/gateway.ts';
import { readProfile } from '../../ec2/profile.ts';
import { findEndpoint, locateRegion } from '../../ec2/settings.ts';
import { examineHost } from '../../examine-host.ts';
import { toChecks } from '../../model/host-check.ts';
import { renderChecks, renderChecksJson } from '../../render/checks.ts';
import { noExitCode } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { AwsOptions, ScopeOptions } from '../options.ts';
import { metadataOf } from '../wiring.ts';

/** What `doctor` was told. */
export interface DoctorOptions extends AwsOptions, ScopeOptions {
  /** Where the region was said, if it was, in commander's words. */
  readonly regionSource?: string | undefined;
  readonly json?: true;
}

// Those that are no flag and come before all others.
const sources: Readonly<Record<string, string>> = {
  config: 'the config file',
  env: '`NAMETAG_REGION`',
};

/** Prints what is right and what is wrong with this host; 1 when nametag cannot work on it. */
export async function runDoctor(options: DoctorOptions, io: Io): Promise<number> {
  const { env } = io;
  const { profile } = options;
  const metadata = metadataOf(io);
  const endpoint = findEndpoint(undefined, env, readProfile(env, profile));
  const observations = await examineHost(
    {
      metadata,
      findRegion: async (call) => {
        const { region } = options;
        const found = await locateRegion({ region, env, profile, metadata }, call);
        return { ...found, from: (region && sources[options.regionSource ?? '']) || found.from };
      },
      findCredentials: (region, call) => findCredentials({ region, env, profile }, call),
      open(region) {
        const settings = { region, profile, endpoint, env };
        return { ec2: ec2Gateway(settings), permissions: dryRunPermissions(settings) };
      },
    },
    { signal: io.signal },
    options.vocabulary,
  );
  const checks = toChecks(observations, options);
  io.stdout(options.json ? renderChecksJson(checks) : renderChecks(checks));
  return checks.some(({ verdict }) => verdict === 'problem') ? noExitCode : 0;
}
