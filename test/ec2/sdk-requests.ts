/** What the SDK's own client sends: what the requests of this program are compared with. */
import {
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  EC2Client,
  type EC2ClientConfig,
} from '@aws-sdk/client-ec2';

/** A request as the SDK gives it to what sends it. */
export interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly atMs: number;
}

/** An answer as what sends requests gives it to the SDK; an error stands for none. */
export type SdkAnswer =
  | Error
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> };

const nobody: SdkAnswer = {
  status: 200,
  body: '<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>',
};

/** Makes the SDK's client, which is answered so in turn and of which every request is kept. */
export function recordingClient(
  config: EC2ClientConfig = {},
  answers: readonly SdkAnswer[] = [],
): { client: EC2Client; requests: SdkRequest[] } {
  const requests: SdkRequest[] = [];
  const client = new EC2Client({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
    ...config,
    requestHandler: {
      async handle(request: unknown) {
        const sent = request as SdkRequest;
        requests.push({ ...sent, headers: { ...sent.headers }, atMs: Date.now() });
        const answer = answers[requests.length - 1] ?? nobody;
        if (answer instanceof Error) throw answer;
        const { status: statusCode, body, headers = {} } = answer;
        return { response: { statusCode, headers, body: Buffer.from(body) } };
      },
    },
  });
  return { client, requests };
}

/** Gives the request that the SDK's client makes for this. */
export async function sdkRequest(
  config: EC2ClientConfig = {},
  input: DescribeInstancesCommandInput = {},
): Promise<SdkRequest> {
  const { client, requests } = recordingClient(config);
  await client.send(new DescribeInstancesCommand(input));
  return requests[0]!;
}
