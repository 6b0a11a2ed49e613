import { request } from 'node:http';

/**
 * Makes one EC2 Query API call of a sandbox, as any EC2 client would, and gives the XML answer.
 *
 * Not signed: a sandbox does not ask who calls.
 *
 * @throws `Error` when the answer is a failure; the XML is its message.
 */
export async function callEc2(
  endpoint: string,
  action: string,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const body = new URLSearchParams({ Action: action, Version: '2016-11-15', ...parameters });
  return await new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const call = request(endpoint, { method: 'POST', headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(text));
      });
      answer.once('error', reject);
    });
    call.once('error', reject);
    call.end(body.toString());
  });
}
