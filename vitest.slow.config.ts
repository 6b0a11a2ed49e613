import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** What takes longer than a default run may: scripts/check-claim-kill.sh runs it. */
export default defineConfig({ test: { ...base.test, include: ['test/**/*.slow.ts'] } });
