import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    setupFiles: ['test/helpers/loopback-only.ts'],
    // Two workers: the machines that run this have two cores, and some tests start processes.
    maxWorkers: 2,
    env: {
      // No test may reach the real AWS: no metadata service, no profile of whoever runs the tests.
      // Nor leave anything in this machine's own state folder.
      NAMETAG_STATE_DIR: join(tmpdir(), 'nametag-test-state'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  },
});
