/** Writes docs/config.schema.json from the shape of the config file. Run after a build. */
import { writeFile } from 'node:fs/promises';
import { toJsonSchema } from '../dist/config/config-shape.js';

const path = new URL('../docs/config.schema.json', import.meta.url);
await writeFile(path, `${JSON.stringify(toJsonSchema(), null, 2)}\n`);
