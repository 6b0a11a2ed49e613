#!/usr/bin/env node
require('./start.js').start(['resolve', ...process.argv.slice(2)]);
