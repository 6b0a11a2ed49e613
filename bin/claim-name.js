#!/usr/bin/env node
require('./start.js').start(['claim-name', ...process.argv.slice(2)]);
