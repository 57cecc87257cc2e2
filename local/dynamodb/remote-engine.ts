import { AwsClient } from 'aws4fetch';
import type { Json } from '../json-protocol.ts';
import { LOCAL_REGION } from '../service.ts';
import type { Engine } from './engine.ts';

/**
 * Passes calls on to another engine, such as AWS's DynamoDB Local, with a signature of dummy credentials.
 * @throws Error if `endpoint` is no HTTP URL
 */
export function createRemoteEngine(endpoint: string): Engine {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new Error(`The DynamoDB endpoint must be an HTTP URL, such as http://127.0.0.1:8000, got ${endpoint}`);
  }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  // The caller's SDK retries.
  const client = new AwsClient({ ...credentials, service: 'dynamodb', region: LOCAL_REGION, retries: 0 });
  return {
    canBeStale: false,
    async call(operation, input) {
      const response = await post(client, endpoint, operation, input);
      return { statusCode: response.status, body: (await response.json()) as Json };
    },
    async close() {},
  };
}

async function post(client: AwsClient, endpoint: string, operation: string, input: Json): Promise<Response> {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
  };
  try {
    return await client.fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(input) });
  } catch (error) {
    throw new Error(`The DynamoDB engine at ${endpoint} cannot be reached. Is it running?`, { cause: error });
  }
}
