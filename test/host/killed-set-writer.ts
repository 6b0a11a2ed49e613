/**
 * A process that writes a set of files and kills itself at a step of it:
 * `node writer.js STATE STEP WAY PATH…`, with the way `in-place` so that the second file cannot be
 * renamed over. Exits with 0 when there were fewer steps.
 */
import { createFileSets } from '../../src/host/file-set.ts';
import { dieAtStep } from './dying-steps.ts';

const [state = '', lastStep = '', way = '', ...paths] = process.argv.slice(2);
const operations = await dieAtStep(Number(lastStep), {
  someFile: paths[0]!,
  mounted: (to) => way === 'in-place' && to === paths[1],
});
const sets = createFileSets({
  operations,
  environment: { ...process.env, NAMETAG_STATE_DIR: state },
  warn: (sentence) => console.error(sentence),
});
const set = await sets.open();
const bytes = Buffer.from('new\n'.repeat(20));
const staged = await set.stage(paths.map((path) => ({ path, bytes, hasCommand: true })));
await staged.commit();
await set.close();
