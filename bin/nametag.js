#!/usr/bin/env node
import { main } from '../dist/cli/main.js';

// The SDK's notice about the next version of Node would end up in the mail of every cron job.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
process.exitCode = await main(process.argv.slice(2));
