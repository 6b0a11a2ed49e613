import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** What runs against moto_server: scripts/check-moto.sh starts one and then this. */
export default defineConfig({ test: { ...base.test, include: ['test/**/*.moto.ts'] } });
