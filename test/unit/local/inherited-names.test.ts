import { describe, expect, test, vi } from 'vitest';
import { createApiGateway } from '../../../local/apigateway/index.ts';
import { createDynamoDb } from '../../../local/dynamodb/index.ts';
import { compilePattern } from '../../../local/events/pattern.ts';
import { readRule } from '../../../local/events/rules.ts';
import { createFaults, NO_FAULTS } from '../../../local/faults.ts';
import { readFunction } from '../../../local/lambda/function-configuration.ts';
import { readOptions } from '../../../local/options.ts';
import { readInput } from '../../../local/sqs/inputs.ts';
import { call, provision, resource } from '../../support/aws-server.ts';
import { deployTemplates, resolveValue } from '../../support/deploy-template.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

/** Names that every object has something under. Whoever writes an application may use them for what is theirs. */
const NAMES = ['constructor', 'prototype', 'toString', 'hasOwnProperty', '__proto__'];

/** As JSON has it: `__proto__` is a key like others. */
const under = <T>(name: string, value: T): Record<string, T> => Object.fromEntries([[name, value]]);

describe.each(NAMES)('%s', (name) => {
  test('as what a fault is to match: it is for nothing that does not have it', () => {
    const plan = { seed: 1, rules: [{ point: 'sqs', kind: 'late', match: under(name, '*') }] };
    const faults = createFaults(plan, { clock: createManualClock(), log: () => undefined });
    expect(faults.strike('sqs', { queue: 'tasks' })).toBeUndefined();
    expect(faults.strike('sqs', under(name, 'x'))).toMatchObject({ kind: 'late' });
  });

  test('as a parameter: neither lost when it is given, nor there when it is not', async () => {
    expect(readOptions({ app: 'any', parameters: under(name, 'given') }).parameters).toEqual(under(name, 'given'));
    const sections = { Parameters: under(name, { Type: 'String' }) };
    expect(await resolveValue({ Ref: name }, sections, under(name, 'given'))).toBe('given');
    await expect(resolveValue({ Ref: name }, sections)).rejects.toThrow('it has no default');
    await expect(resolveValue({ Ref: name })).rejects.toThrow('neither a parameter nor a resource');
  });

  test.each([
    ['condition', { 'Fn::If': [name, 'a', 'b'] }],
    ['mapping', { 'Fn::FindInMap': [name, name, name] }],
    ['resource', { 'Fn::GetAtt': [name, 'Arn'] }],
    ['attribute', { 'Fn::GetAtt': ['Other', name] }],
    ['export', { 'Fn::ImportValue': name }],
  ])('as a %s that is not there', async (_, value) => {
    await expect(resolveValue(value)).rejects.toThrow(name);
  });

  test('as the name of a stack and of its output', async () => {
    const Outputs = under(name, { Value: 'told' });
    const { outputs } = await deployTemplates(under(name, { Resources: {}, Outputs }));
    expect(JSON.stringify(outputs)).toBe(JSON.stringify(under(name, under(name, 'told'))));
  });

  test('as an attribute of a message in a queue', () => {
    const MessageAttributes = under(name, { DataType: 'String', StringValue: 'x' });
    const input = { QueueUrl: 'q', MessageBody: 'x', MessageAttributes };
    expect(readInput('SendMessage', input).MessageAttributes).toEqual(MessageAttributes);
  });

  test('as a variable of a stage, or a route with settings', async () => {
    const gateway = createApiGateway({
      clock: createManualClock(),
      faults: NO_FAULTS,
      authorize: () => undefined,
      invoke: () => Promise.resolve({ kind: 'ok', payload: undefined }),
      log: () => undefined,
    });
    const make = (type: string, values: Readonly<Record<string, unknown>>) =>
      provision(gateway, resource(`AWS::ApiGatewayV2::${type}`, values, type));
    const { ref: ApiId } = await make('Api', {
      Name: 'chat',
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: 'x',
    });
    await expect(make('Stage', { ApiId, StageName: 'prod', StageVariables: under(name, 1) })).rejects.toThrow(
      `StageVariables.${name}: expected string, got 1`,
    );
    await expect(make('Stage', { ApiId, StageName: 'prod', RouteSettings: under(name, 1) })).rejects.toThrow(
      `RouteSettings.${name}: expected Object, got 1`,
    );
  });

  test('in the pattern of a rule, and in the path to what its target gets', () => {
    const ofRule = { EventPattern: under(name, ['x']), Targets: [target({ InputPath: `$.detail.${name}` })] };
    const { matches, targets } = readRule(resource('AWS::Events::Rule', ofRule));
    expect(matches?.({})).toBe(false);
    expect(matches?.(under(name, 'x'))).toBe(true);
    expect(targets[0]?.transform(event({}))).toBeUndefined();
    expect(targets[0]?.transform(event(under(name, 'x')))).toBe('x');
    expect(() => compilePattern({ total: [{ numeric: [name, 5] }] })).toThrow('numeric must be like');
  });
});

test('constructor as a variable of a function', () => {
  const properties = { Handler: 'index.handler', Runtime: 'nodejs22.x', Role: 'arn:aws:iam::1:role/r', Code: {} };
  const Environment = { Variables: { constructor: 'given', prototype: 'given' } };
  const { environment } = readFunction(resource('AWS::Lambda::Function', { ...properties, Environment }));
  expect(environment).toEqual(Environment.Variables);
});

test('constructor as the name of a table in a half throttled batch', async () => {
  const clock = createSteppedClock();
  const plan = { seed: 1, rules: [{ point: 'dynamodb', kind: 'throttle', match: { operation: 'Batch*' } }] };
  const faults = createFaults(plan, { clock, log: vi.fn() });
  const service = await createDynamoDb({ clock, faults, authorize: () => undefined, log: () => undefined });
  const TableName = 'constructor';
  await call(service, 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  });
  const puts = ['a', 'b'].map((pk) => ({ PutRequest: { Item: { pk: { S: pk } } } }));
  const { body } = await call(service, 'BatchWriteItem', { RequestItems: { [TableName]: puts } });
  expect(body['UnprocessedItems']).toEqual({ [TableName]: puts.slice(1) });
  await service.close();
});

function target(more: object) {
  return { Id: 'one', Arn: 'arn:aws:lambda:us-east-1:000000000000:function:f', ...more };
}

function event(detail: object) {
  return { detail } as unknown as Parameters<
    NonNullable<ReturnType<typeof readRule>['targets'][number]>['transform']
  >[0];
}
