import { LambdaClient } from '@aws-sdk/client-lambda';
import { AwsClient } from 'aws4fetch';

/**
 * Reads the outputs of a deployed stack, with the credentials and the region of the environment. @throws Error with the
 * message of CloudFormation
 */
export async function readStackOutputs(stackName: string): Promise<Readonly<Record<string, string>>> {
  // This client calls nothing: it finds the environment's credentials and region, as every client of the SDK does.
  const { config } = new LambdaClient({});
  const region = await config.region();
  const { accessKeyId, secretAccessKey, sessionToken } = await config.credentials();
  const session = sessionToken === undefined ? {} : { sessionToken };
  const client = new AwsClient({ accessKeyId, secretAccessKey, ...session, service: 'cloudformation', region });
  const response = await client.fetch(`https://cloudformation.${region}.amazonaws.com/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15', StackName: stackName }).toString(),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`stack ${stackName} in ${region}: ${elementsOf(answer, 'Message')[0] ?? answer}`);
  return parseOutputs(answer);
}

/** The outputs in an answer to `DescribeStacks`, which is XML. */
export function parseOutputs(xml: string): Readonly<Record<string, string>> {
  const [outputs = ''] = elementsOf(xml, 'Outputs');
  const members = elementsOf(outputs, 'member').flatMap((member) => {
    const [key] = elementsOf(member, 'OutputKey');
    const [value] = elementsOf(member, 'OutputValue');
    return key === undefined || value === undefined ? [] : [[unescapeXml(key), unescapeXml(value)]];
  });
  return Object.fromEntries(members);
}

function elementsOf(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs')), ([, content = '']) => content);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name = '') =>
    code === undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
