const { load } = require('./load.js');

/** Runs the program with these arguments, and has the process exit with what it says. */
async function start(argv) {
  // The SDK's notice about the next version of Node would end up in the mail of every cron job.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { main } = load('main');
  // Nothing that is left over, as the wait before another attempt, is to keep the process, nor is
  // memory to be freed piece by piece.
  process.exit(await main(argv));
}

module.exports = { start };
