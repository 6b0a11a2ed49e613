import * as z from 'zod';
import { configShape } from './config-shape.ts';

/** The JSON Schema (2020-12) of a config file: for editors, and other programs that check it. */
export function toJsonSchema(): object {
  return { title: 'Config file of nametag', ...z.toJSONSchema(configShape, { io: 'input' }) };
}
