#!/usr/bin/env node
const { main } = require('../dist/cli/main.cjs');

// The SDK's notice about the next version of Node would end up in the mail of every cron job.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
main(['resolve', ...process.argv.slice(2)]).then((exitCode) => {
  process.exitCode = exitCode;
});
