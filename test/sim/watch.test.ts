/** A watcher through hours of bad days, on a clock turned by hand; `NAMETAG_SEED` replays one. */
import { describe, expect, it } from 'vitest';
import type { Directory } from '../../src/model/directory.ts';
import type { ReadSnapshotTerms } from '../../src/read-snapshot.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { ids } from '../helpers/fake-fleet.ts';
import { diskFull, ec2Failure, recordingOutput, startWatching } from '../helpers/watching.ts';

const replay = process.env['NAMETAG_SEED'];
const seeds = replay === undefined ? Array.from({ length: 25 }, (_, i) => i + 1) : [Number(replay)];
const minute = 60_000;

const idsIn = (directory: Directory): readonly string[] =>
  directory.members.map(({ instance }) => instance.instanceId);

/** Plays two hours, of which the last twenty minutes are good, and tells what was not right. */
async function play(seed: number, terms: ReadSnapshotTerms = {}): Promise<readonly string[]> {
  const random = createRandom(seed);
  const complaints: string[] = [];
  const first = recordingOutput('/first');
  const other = recordingOutput('/other');
  const watch = startWatching({ outputs: [first, other], random, terms });
  const { clock, fleet } = watch;
  const left = new Set<string>();
  const hidden = new Set<string>();
  fleet.shows = ({ instanceId }) => !hidden.has(instanceId);
  const draw = (): string => ids[Math.floor(random() * ids.length)] ?? '';
  const troubles: readonly (() => void)[] = [
    () => {
      const id = draw();
      left.add(id);
      fleet.change(id, random() < 0.5 ? { state: 'terminated' } : { tags: { status: 'drain' } });
    },
    () => {
      const id = draw();
      left.delete(id);
      fleet.change(id, {});
    },
    () => hidden.add(draw()),
    () => hidden.clear(),
    () => {
      fleet.failure = ec2Failure(random() < 0.5 ? 'THROTTLED' : 'UNREACHABLE');
    },
    () => {
      fleet.failure = undefined;
    },
    () => {
      other.failure = random() < 0.5 ? diskFull : undefined;
    },
    () => watch.watcher.refresh(),
  ];
  await clock.advance(0);
  let seen = 0;
  const check = (): void => {
    for (; seen + 1 < first.given.length; seen += 1) {
      const [before, after] = [first.given[seen], first.given[seen + 1]];
      if (before === undefined || after === undefined) continue;
      const now = new Set(idsIn(after));
      for (const id of idsIn(before)) {
        if (!now.has(id) && !left.has(id)) complaints.push(`${id} went without evidence`);
      }
    }
  };
  while (clock.monotonicMs() < 100 * minute) {
    troubles[Math.floor(random() * troubles.length)]?.();
    // So short that none comes back between a refresh that let it go and this look at it.
    await clock.advance(random() * 20_000);
    check();
  }
  fleet.failure = undefined;
  other.failure = undefined;
  hidden.clear();
  await clock.advance(20 * minute);
  check();
  const truth = ids.filter((id) => !left.has(id));
  for (const { name, given } of [first, other]) {
    const last = given.at(-1);
    if (String(last && idsIn(last)) !== String(truth)) complaints.push(`${name} is not the truth`);
  }
  if (first.given.some((directory, i) => directory !== other.given[i])) {
    complaints.push('the outputs were given different directories');
  }
  const gaps = watch.reads.slice(1).map((at, i) => at - (watch.reads[i] ?? 0));
  if (Math.min(...gaps) < 2000) complaints.push('EC2 was asked faster than every two seconds');
  if (Math.max(...gaps) > 6.25 * minute) complaints.push('EC2 was not asked for minutes');
  await watch.stop();
  const states = watch.notices.map((notice) => notice.split(' ', 1)[0]);
  const told = states.filter((state) => /^(?:READY|RELOADING|STOPPING)$/.test(state ?? ''));
  if (!/^READY( RELOADING READY)* (RELOADING )?STOPPING$/.test(told.join(' '))) {
    complaints.push(`systemd was told: ${told.join(' ')}`);
  }
  return complaints;
}

describe('a watcher in hours of trouble', () => {
  it('removes nobody without evidence, and comes back to the truth', async () => {
    const broken: string[] = [];
    for (const seed of seeds) {
      broken.push(...(await play(seed)).map((complaint) => `seed ${seed}: ${complaint}`));
    }
    expect(broken).toEqual([]);
  });

  it('would be found out without the guard (the control)', async () => {
    const complaints = await play(1, { force: true });
    expect(complaints.join('\n')).toContain('went without evidence');
  });
});
