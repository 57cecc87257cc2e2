import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient, ListTagsCommand } from '@aws-sdk/client-lambda';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createAwsApi } from '../../local/front/aws-api.ts';
import { type AwsCall, createCalls } from '../../local/front/calls.ts';
import { createControl } from '../../local/front/control.ts';
import { type Front, openFront } from '../../local/front/front.ts';
import { createHosts } from '../../local/front/hosts.ts';
import type { Iam } from '../../local/iam/iam.ts';
import { createIssuer } from '../../local/issuer.ts';
import type { AwsRequest, AwsService } from '../../local/service.ts';
import { iamWith, ROLE_ARN } from '../support/iam.ts';

const ADMIN = { accessKeyId: 'local', secretAccessKey: 'local' };
const HOUR_MS = 3_600_000;

let front: Front;
let iam: Iam;
let calls: () => readonly AwsCall[];
let endpoint: string;
const received: AwsRequest[] = [];

/** A service that answers everything with an empty success, and keeps what it got. */
function fakeService(name: AwsService['name'], body = '{}'): AwsService {
  return {
    name,
    providers: [],
    handle(request) {
      received.push(request);
      return Promise.resolve({ statusCode: 200, body });
    },
    close: () => Promise.resolve(),
  };
}

beforeAll(async () => {
  const identity =
    '<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';
  const services = (['dynamodb', 'sqs', 'events', 'lambda', 'execute-api'] as const).map((name) => fakeService(name));
  const all = [...services, fakeService('sts', identity)];
  const byName = new Map<string, AwsService>(all.map((service) => [service.name, service]));
  // The cloud's clock has run ahead, as it does with a time scale.
  const wallClock = createClock();
  const clock = { ...wallClock, now: () => wallClock.now() + 2 * HOUR_MS };
  iam = await iamWith([], { clock });
  front = await openFront(0, createHosts([]));
  endpoint = `http://127.0.0.1:${front.port}`;
  const recorded = createCalls(clock);
  calls = recorded.entries;
  const log = () => {};
  const issuer = await createIssuer({ url: endpoint, now: Date.now });
  front.serve({
    control: createControl(issuer, {}),
    aws: createAwsApi({ services: byName, iam, calls: recorded, log }),
    upgrade: (_, socket) => socket.destroy(),
    stage: () => false,
    files: undefined,
    log,
  });
});

afterAll(() => front.close());

function settings(credentials: object = ADMIN, more: object = {}) {
  const keys = credentials as { accessKeyId: string; secretAccessKey: string };
  return { endpoint, region: 'us-east-1', maxAttempts: 1, credentials: keys, ...more };
}

const getItem = new GetItemCommand({ TableName: 'Messages', Key: { address: { S: 'user#bob' } } });
const putItem = (credentials: object, more?: object) => new DynamoDBClient(settings(credentials, more)).send(getItem);

describe('a signature is accepted', () => {
  test.each<[string, () => Promise<unknown>, Partial<AwsRequest>]>([
    ['of DynamoDB', () => putItem(ADMIN), { service: 'dynamodb', method: 'POST', path: '/' }],
    [
      'of SQS',
      () =>
        new SQSClient(settings(ADMIN, { md5: false })).send(
          new SendMessageCommand({ QueueUrl: `${endpoint}/0/work`, MessageBody: 'é ☃' }),
        ),
      { service: 'sqs' },
    ],
    [
      'of EventBridge',
      () => new EventBridgeClient(settings()).send(new PutEventsCommand({ Entries: [] })),
      { service: 'events' },
    ],
    [
      'of Lambda, with an encoded path',
      () =>
        new LambdaClient(settings()).send(
          new InvokeCommand({ FunctionName: 'arn:aws:lambda:us-east-1:000000000000:function:a b' }),
        ),
      { service: 'lambda', path: expect.stringMatching(/^\/2015-03-31\/functions\/arn%3Aaws%3A.*a%20b\/invocations$/) },
    ],
    [
      'of a query with characters to be encoded',
      () => new LambdaClient(settings()).send(new ListTagsCommand({ Resource: "it's (a) *test*/é" })),
      { service: 'lambda', method: 'GET' },
    ],
    ['of STS', () => new STSClient(settings()).send(new GetCallerIdentityCommand({})), { service: 'sts' }],
    [
      'of the Management API, with a stage and a connection id that ends with =',
      () =>
        new ApiGatewayManagementApiClient(settings(ADMIN, { endpoint: `${endpoint}/prod` })).send(
          new PostToConnectionCommand({ ConnectionId: 'abc=', Data: '{"a":1}' }),
        ),
      { service: 'execute-api', path: '/prod/@connections/abc%3D', body: Buffer.from('{"a":1}') },
    ],
    [
      'of the Management API, made by aws4fetch',
      () => {
        const client = new AwsClient({ ...ADMIN, service: 'execute-api', region: 'us-east-1' });
        return client.fetch(`${endpoint}/prod/@connections/${encodeURIComponent('abc=')}`, {
          method: 'POST',
          body: 'x',
        });
      },
      { service: 'execute-api', path: '/prod/@connections/abc%3D' },
    ],
    [
      'of a path whose @ is encoded, too',
      () => {
        const client = new AwsClient({ ...ADMIN, service: 'execute-api', region: 'us-east-1' });
        return client.fetch(`${endpoint}/prod/%40connections/abc%3D`, { method: 'DELETE' });
      },
      { service: 'execute-api', path: '/prod/%40connections/abc%3D', method: 'DELETE' },
    ],
    [
      'of a query that is not sorted, with a name twice',
      () => {
        const client = new AwsClient({ ...ADMIN, service: 'lambda', region: 'us-east-1' });
        return client.fetch(`${endpoint}/2015-03-31/functions/?b=2&a=2&a=1&c=%2F%20+&d`);
      },
      { service: 'lambda' },
    ],
  ])('%s', async (_, send, expected) => {
    const before = received.length;
    const answer = await send();
    if (answer instanceof Response) expect(answer.status).toBe(200);
    expect(received.slice(before)).toEqual([expect.objectContaining({ ...expected, principal: { kind: 'admin' } })]);
  });

  test("of a role's session", async () => {
    await putItem(iam.issueForRole(ROLE_ARN, 'Work', 'lambda.amazonaws.com'));
    expect(received.at(-1)?.principal).toEqual({ kind: 'role', roleArn: ROLE_ARN, sessionName: 'Work' });
    expect(calls().at(-1)).toMatchObject({
      service: 'dynamodb',
      operation: 'GetItem',
      principal: 'Work',
      statusCode: 200,
    });
  });

  test("by the time of the cloud's clock, too", async () => {
    await putItem(ADMIN, { systemClockOffset: 2 * HOUR_MS });
    expect(received.at(-1)?.service).toBe('dynamodb');
  });
});

describe('a signature is refused', () => {
  const session = () => iam.issueForRole(ROLE_ARN, 'Work', 'lambda.amazonaws.com');

  test.each<[string, () => Promise<unknown>, object]>([
    [
      'with a wrong secret',
      () => putItem({ ...ADMIN, secretAccessKey: 'wrong' }),
      { name: 'InvalidSignatureException' },
    ],
    [
      'with an unknown access key',
      () => putItem({ ...ADMIN, accessKeyId: 'AKIAUNKNOWN' }),
      { name: 'UnrecognizedClientException' },
    ],
    [
      "with a session's key, but without its token",
      () => putItem({ ...session(), sessionToken: undefined }),
      { name: 'UnrecognizedClientException' },
    ],
    [
      'with the token of another session',
      () => putItem({ ...session(), sessionToken: session().sessionToken }),
      { name: 'UnrecognizedClientException' },
    ],
    [
      'with a token that the administrator does not have',
      () => putItem({ ...ADMIN, sessionToken: 'x' }),
      { name: 'UnrecognizedClientException' },
    ],
    [
      'that is 6 minutes old',
      () => putItem(ADMIN, { systemClockOffset: -6 * 60_000 }),
      { name: 'InvalidSignatureException', message: expect.stringContaining('Signature expired') },
    ],
    [
      'for another region',
      () => putItem(ADMIN, { region: 'eu-west-1' }),
      { name: 'InvalidSignatureException', message: expect.stringContaining("not 'eu-west-1'") },
    ],
  ])('%s', async (_, send, error) => {
    const before = received.length;
    await expect(send()).rejects.toMatchObject(error);
    expect(received).toHaveLength(before);
  });

  test('of a service that does not run here, by its name', async () => {
    const client = new AwsClient({ ...ADMIN, service: 'kinesis', region: 'us-east-1' });
    const answer = await client.fetch(endpoint, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      message:
        'The local cloud does not have the service "kinesis"; it has dynamodb, sqs, events, lambda, execute-api, sts. ' +
        'Point functions to another one with --endpoint kinesis=http://127.0.0.1:PORT.',
    });
  });

  test.each<[string, RequestInit & { path?: string }, number, string]>([
    [
      'that is missing',
      { headers: { 'x-amz-target': 'DynamoDB_20120810.GetItem' } },
      400,
      'MissingAuthenticationTokenException',
    ],
    [
      'that is missing at the Management API',
      { path: '/prod/@connections/abc%3D' },
      403,
      'MissingAuthenticationTokenException',
    ],
    [
      'that is incomplete',
      { headers: { authorization: 'AWS4-HMAC-SHA256 Credential=local' } },
      403,
      'IncompleteSignatureException',
    ],
    [
      'that is in the query',
      { path: '/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00' },
      403,
      'IncompleteSignatureException',
    ],
  ])('%s', async (_, { path = '/', ...init }, status, code) => {
    const answer = await fetch(`${endpoint}${path}`, { method: 'POST', body: '{}', ...init });
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([status, code]);
  });

  test.each<[string, (request: Request) => [Request, string?]]>([
    ['body', (request) => [request, '{"changed":true}']],
    ['query', (request) => [new Request(`${request.url}?a=1`, request), '{}']],
    ['path', (request) => [new Request(`${request.url}b`, request), '{}']],
    ['method', (request) => [new Request(request.url, { method: 'PUT', headers: request.headers }), '{}']],
    [
      'date',
      (request) => [
        withHeader(request, 'x-amz-date', new Date(Date.now() + 60_000).toISOString().replace(/[-:]|\.\d+/g, '')),
        '{}',
      ],
    ],
  ])('when the %s has been changed', async (_, change) => {
    const signer = new AwsClient({ ...ADMIN, service: 'lambda', region: 'us-east-1' });
    const signed = await signer.sign(`${endpoint}/a`, { method: 'POST', body: '{}' });
    const [request, body] = change(new Request(signed.url, { method: 'POST', headers: signed.headers }));
    const answer = await fetch(request.url, { method: request.method, headers: request.headers, body: body ?? '{}' });
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([403, 'InvalidSignatureException']);
  });

  test('that leaves the payload out', async () => {
    const signer = new AwsClient({ ...ADMIN, service: 'lambda', region: 'us-east-1' });
    const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
    const signed = await signer.sign(`${endpoint}/a`, { method: 'POST', body: '{}', headers });
    const answer = await fetch(signed.url, { method: 'POST', headers: signed.headers, body: '{}' });
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { message: 'The payload must be signed, got UNSIGNED-PAYLOAD.' },
    ]);
  });
});

function withHeader(request: Request, name: string, value: string): Request {
  const headers = new Headers(request.headers);
  headers.set(name, value);
  return new Request(request.url, { method: request.method, headers });
}
