/**
 * An EC2 endpoint that is never what is waited for: it reads every page of a sandbox once, keeps
 * the bytes, and answers each `DescribeInstances` with the page that its token belongs to.
 *
 *     node bench/endpoint.js http://127.0.0.1:PORT
 *
 * Prints its own address when it is ready. Filters are not looked at: every instance of the fleet
 * matches what the programs ask. `GET /used` tells its processor time in milliseconds so far.
 */
import { createServer, request } from 'node:http';
import { gzipSync } from 'node:zlib';

const [sandbox] = process.argv.slice(2);
const pages = new Map();

let token = '';
do {
  const body = await ask(token);
  const [, next] = /<nextToken>([^<]+)<\/nextToken>/.exec(body.subarray(-300).toString()) ?? [];
  pages.set(token, { plain: body, gzipped: gzipSync(body) });
  token = next ?? '';
} while (token !== '');

createServer((incoming, answer) => {
  if (incoming.method === 'GET') {
    const { user, system } = process.cpuUsage();
    answer.end(String((user + system) / 1000));
    return;
  }
  const chunks = [];
  incoming.on('data', (chunk) => chunks.push(chunk));
  incoming.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const page = pages.get(form.get('NextToken') ?? '');
    const gzip = /\bgzip\b/.test(incoming.headers['accept-encoding'] ?? '');
    const bytes = gzip ? page.gzipped : page.plain;
    answer.writeHead(200, {
      'content-type': 'text/xml;charset=UTF-8',
      'content-length': bytes.length,
      vary: 'accept-encoding',
      ...(gzip && { 'content-encoding': 'gzip' }),
    });
    answer.end(bytes);
  });
}).listen(0, '127.0.0.1', function ready() {
  process.stdout.write(`http://127.0.0.1:${this.address().port} ${pages.size}\n`);
});

function ask(nextToken) {
  const form = new URLSearchParams({
    Action: 'DescribeInstances',
    Version: '2016-11-15',
    MaxResults: '1000',
    ...(nextToken !== '' && { NextToken: nextToken }),
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(sandbox, { method: 'POST' }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve(Buffer.concat(chunks)));
      answer.on('error', reject);
    });
    outgoing.on('error', reject).end(form.toString());
  });
}
