/**
 * A process that writes a file and kills itself at a step of it: `node writer.js PATH STEP WAY`.
 *
 * With the way `in-place` it cannot be renamed over. Exits with 0 when there were fewer steps.
 */
import fs from 'node:fs/promises';
import { createBackups } from '../../src/host/backup.ts';
import { createFiles } from '../../src/host/replace-file.ts';
import { dieAtStep } from './dying-steps.ts';

const [path = '', lastStep = '', way = ''] = process.argv.slice(2);
const fresh = await fs.readFile(`${path}.fresh`);
const environment = { ...process.env, NAMETAG_STATE_DIR: `${path}.state` };
const operations = await dieAtStep(Number(lastStep), {
  someFile: `${path}.fresh`,
  mounted: (to) => way === 'in-place' && to === path,
});
const files = createFiles({ environment, backups: createBackups({ environment }), operations });
await files.update(path, () => ({ bytes: fresh, report: undefined }));
