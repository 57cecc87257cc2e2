/** Permissions of the template, enforced on the calls of its functions. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, test } from 'vitest';
import { type IamReport, type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { eventually } from '../support/eventually.ts';
import { adminClient, alteredFixture, type Resources } from '../support/local-cloud.ts';
import { connectClient } from '../support/ws-client.ts';

const TABLE_ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/simplechat_connections';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** The chat, with a change to its template. */
async function startChat(alter: (resources: Resources) => void = () => {}): Promise<LocalCloud> {
  const { app, remove } = alteredFixture('scan-chat', alter);
  cleanUps.push(remove);
  const cloud = await startLocalCloud({ app, port: 0 });
  cleanUps.push(cloud.close);
  return cloud;
}

/** Replaces the statements of a role's policy. */
function grant(resources: Resources, role: string, Statement: unknown): void {
  const properties = resources[role]?.Properties;
  if (!properties) throw new Error(`there is no ${role}`);
  properties['Policies'] = [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement } }];
}

/** Invokes the function that scans the table, and gives the error that its handler threw. */
async function errorOfSend(cloud: LocalCloud): Promise<unknown> {
  const client = new LambdaClient(adminClient(cloud));
  const FunctionName = cloud.outputs[Object.keys(cloud.outputs)[0] ?? '']?.['SendFunction'];
  const body = JSON.stringify({ body: JSON.stringify({ data: 'x' }) });
  const answer = await client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(body) }));
  client.destroy();
  const payload: { errorType?: string; errorMessage?: string } = JSON.parse(
    Buffer.from(answer.Payload ?? []).toString(),
  );
  return answer.FunctionError && { type: payload.errorType, message: payload.errorMessage };
}

const SCAN = { Effect: 'Allow', Action: 'dynamodb:Scan', Resource: { 'Fn::GetAtt': ['Connections', 'Arn'] } };

describe("a function's call", () => {
  test('succeeds with the permission in its policy', async () => {
    expect(await errorOfSend(await startChat())).toBeUndefined();
  });

  test.each<[string, unknown, string]>([
    ['without the permission', [], 'because no identity-based policy allows the dynamodb:Scan action'],
    [
      'with the permission for another table',
      { ...SCAN, Resource: `${TABLE_ARN}2` },
      'because no identity-based policy allows',
    ],
    ['with another permission', { ...SCAN, Action: 'dynamodb:Query' }, 'because no identity-based policy allows'],
    [
      'with a Deny beside the permission',
      [SCAN, { ...SCAN, Effect: 'Deny', Action: 'dynamodb:*' }],
      'with an explicit deny in an identity-based policy',
    ],
    [
      'with the permission under a condition that does not hold',
      { ...SCAN, Condition: { StringEquals: { 'dynamodb:Select': 'COUNT' } } },
      'because no identity-based policy allows',
    ],
  ])('fails with AccessDeniedException %s', async (_, statement, reason) => {
    const cloud = await startChat((resources) => grant(resources, 'SendRole', statement));
    expect(await errorOfSend(cloud)).toEqual({
      type: 'AccessDeniedException',
      message: expect.stringMatching(
        new RegExp(
          `^User: arn:aws:sts::0{12}:assumed-role/\\S+ is not authorized to perform: dynamodb:Scan on resource: ${TABLE_ARN} ${reason}`,
        ),
      ),
    });
    expect(cloud.iamReport().denied).toEqual([
      expect.objectContaining({ action: 'dynamodb:Scan', resource: TABLE_ARN, count: 1 }),
    ]);
  });

  test('has the rights of its own role, not of another function', async () => {
    const cloud = await startChat((resources) => {
      const send = resources['Send'];
      if (send) send.Properties['Role'] = { 'Fn::GetAtt': ['ConnectRole', 'Arn'] };
    });
    expect(await errorOfSend(cloud)).toMatchObject({ type: 'AccessDeniedException' });
  });
});

describe('a role', () => {
  test('that Lambda may not assume keeps its function from being deployed', async () => {
    const trust = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const starting = startChat((resources) => {
      Object.assign(resources['SendRole']?.Properties ?? {}, {
        AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: trust },
      });
    });
    await expect(starting).rejects.toThrow(/resource Send \(AWS::Lambda::Function\): .*cannot be assumed by/);
  });
});

describe('the reports', () => {
  test('show what was not used, what was called, and by whom', async () => {
    const cloud = await startChat();
    const client = connectClient(cloud.websocketUrl);
    await client.opened;
    client.send({ action: 'sendmessage', data: 'hello' });
    await client.next();
    await eventually(() => cloud.calls()).toHaveLength(3);

    const report = (await (await fetch(`${cloud.endpointUrl}/_local/iam`)).json()) as IamReport;
    expect(report).toEqual(cloud.iamReport());
    expect(report.denied).toEqual([]);
    // Nobody has gone away yet.
    expect(report.unused.map(({ actions }) => actions)).toEqual([['dynamodb:DeleteItem'], ['dynamodb:DeleteItem']]);
    const call = (operation: string, functionName: string, resource: unknown, units?: object) => ({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: operation === 'PostToConnection' ? 'execute-api' : 'dynamodb',
      operation,
      principal: expect.stringMatching(new RegExp(`-${functionName}-[0-9a-f]{8}$`)),
      resource,
      statusCode: 200,
      durationMs: expect.any(Number),
      requestBytes: expect.any(Number),
      ...(units && { units }),
    });
    const connections = /^arn:aws:execute-api:us-east-1:0{12}:\w{10}\/Prod\/POST\/@connections\/\{connectionId\}$/;
    expect(cloud.calls()).toEqual([
      call('PutItem', 'Connect', TABLE_ARN, { read: 0, write: 1 }),
      call('Scan', 'Send', TABLE_ARN, { read: 0.5, write: 0 }),
      call('PostToConnection', 'Send', expect.stringMatching(connections)),
    ]);
    expect(cloud.calls().at(-1)?.requestBytes).toBe('hello'.length);
  });
});
