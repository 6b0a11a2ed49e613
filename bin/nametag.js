#!/usr/bin/env node
require('./start.js').start(process.argv.slice(2));
