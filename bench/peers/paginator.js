/**
 * Prints the private address of every running instance with tag env=prod, by the AWS SDK for
 * JavaScript as its manual shows it. The endpoint is the first argument.
 */
import { EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';

const client = new EC2Client({ endpoint: process.argv[2], region: 'eu-west-1' });
const Filters = [
  { Name: 'tag:env', Values: ['prod'] },
  { Name: 'instance-state-name', Values: ['running'] },
];
for await (const page of paginateDescribeInstances({ client, pageSize: 1000 }, { Filters })) {
  for (const { Instances = [] } of page.Reservations ?? []) {
    for (const { PrivateIpAddress } of Instances) process.stdout.write(`${PrivateIpAddress}\n`);
  }
}
