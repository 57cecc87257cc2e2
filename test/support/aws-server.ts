import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorResponse } from '../../local/front/aws-errors.ts';
import { AwsError, type AwsRequest, type AwsService, type Principal, type Resource } from '../../local/service.ts';

/** A local endpoint for AWS SDK clients. */
export interface AwsServer {
  /** The settings of an SDK client: endpoint, region, and credentials of the administrator or of `role`. */
  client(role?: string): {
    readonly endpoint: string;
    readonly region: string;
    readonly maxAttempts: number;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  close(): Promise<void>;
}

/** Serves emulated AWS services as the local cloud does, but accepts every signature. */
export async function startAwsServer(...services: AwsService[]): Promise<AwsServer> {
  const server = createServer(async (incoming, outgoing) => {
    const request = await readRequest(incoming);
    const service = services.find((each) => each.name === request.service);
    try {
      if (!service) throw new Error(`No service ${request.service}`);
      const { statusCode, headers, body } = await service.handle(request).catch((error) => {
        if (error instanceof AwsError) return errorResponse(request.service, error);
        throw error;
      });
      outgoing.writeHead(statusCode, headers).end(body);
    } catch (error) {
      const isExpected = error instanceof AwsError;
      const { statusCode, headers, body } = isExpected
        ? errorResponse(request.service, error)
        : { statusCode: 500, headers: {}, body: String(error) };
      outgoing.writeHead(statusCode, headers).end(body);
    }
  });
  // As in the local cloud: closing an idle connection would race with the next request of a busy client.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: (role = 'local') => ({
      endpoint,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: role, secretAccessKey: 'secret' },
    }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const service of services) await service.close();
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<AwsRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const [, accessKeyId = '', service = ''] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(incoming.headers.authorization ?? '') ?? [];
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  return {
    service,
    principal: principalOf(accessKeyId),
    method: incoming.method ?? 'GET',
    host: incoming.headers.host ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}

function principalOf(accessKeyId: string): Principal {
  if (accessKeyId === 'local') return { kind: 'admin' };
  const roleArn = `arn:aws:iam::000000000000:role/${accessKeyId}`;
  return { kind: 'role', roleArn, sessionName: `${accessKeyId}-session` };
}

/** A template's resource as a provider gets it. */
export function resource(type: string, properties: Resource['properties'], logicalId = 'Thing'): Resource {
  return {
    stackName: 'Stack',
    logicalId,
    type,
    physicalName: `Stack-${logicalId}-1a2b3c`,
    properties,
    assetDirectory: '/',
    metadata: {},
  };
}

/** Creates a resource with the provider of its type. */
export async function provision(service: AwsService, made: Resource) {
  const provider = service.providers.find((each) => each.type === made.type);
  if (!provider) throw new Error(`${service.name} has no provider of ${made.type}`);
  return provider.create(made);
}

/** Calls an operation of a service with AWS's JSON protocol, as the administrator. */
export async function call(service: AwsService, operation: string, input: object) {
  const { statusCode, body } = await service.handle({
    service: service.name,
    principal: { kind: 'admin' },
    method: 'POST',
    host: 'localhost',
    path: '/',
    query: new URLSearchParams(),
    headers: { 'x-amz-target': `Service.${operation}` },
    body: Buffer.from(JSON.stringify(input)),
  });
  return { statusCode, body: JSON.parse(String(body)) as Record<string, unknown> };
}
