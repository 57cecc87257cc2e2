import { describe, expect, test } from 'vitest';
import type { Principal } from '../../../../local/service.ts';
import { create, createRole, iamWith, ROLE_ARN, WORKER } from '../../../support/iam.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Messages';
const INDEX = `${TABLE}/index/*`;
const SERVICES = new Set(['dynamodb', 'sqs']);

const statement = {
  Sid: 'Data',
  Effect: 'Allow',
  Action: ['dynamodb:GetItem', 'dynamodb:Put*'],
  Resource: [TABLE, INDEX],
};

describe('the report', () => {
  test('lists grants that nothing has used, action by action and resource by resource', async () => {
    const iam = await iamWith([statement]);
    const place = { role: 'worker', policy: 'own', sid: 'Data' };
    expect(iam.report(SERVICES).unused).toEqual([
      { ...place, actions: statement.Action, resources: statement.Resource },
    ]);

    iam.authorize(WORKER, 'dynamodb:PutItem', TABLE);
    expect(iam.report(SERVICES).unused).toEqual([{ ...place, actions: ['dynamodb:GetItem'], resources: [INDEX] }]);

    iam.authorize(WORKER, 'dynamodb:GetItem', `${TABLE}/index/byUser`);
    expect(iam.report(SERVICES)).toEqual({ denied: [], unused: [], unchecked: [] });
  });

  test('lists denied calls, and how often each was denied', async () => {
    const iam = await iamWith([statement]);
    for (const _ of [1, 2]) expect(() => iam.authorize(WORKER, 'dynamodb:DeleteItem', TABLE)).toThrow();
    expect(iam.report(SERVICES).denied).toEqual([
      { role: 'worker', session: 'Work', action: 'dynamodb:DeleteItem', resource: TABLE, count: 2 },
    ]);
  });

  test('does not call a grant unused when its service does not run here', async () => {
    const iam = await iamWith({ Effect: 'Allow', Action: ['logs:PutLogEvents', 'sqs:SendMessage'], Resource: '*' });
    const place = { role: 'worker', policy: 'own', resources: ['*'] };
    expect(iam.report(SERVICES)).toEqual({
      denied: [],
      unused: [{ ...place, actions: ['sqs:SendMessage'] }],
      unchecked: [{ ...place, actions: ['logs:PutLogEvents'] }],
    });
  });

  test('counts what roles use of a policy that they share role by role', async () => {
    const iam = await iamWith([]);
    const PolicyDocument = { Version: '2012-10-17', Statement: statement };
    const shared = { ManagedPolicyName: 'shared', PolicyDocument, Roles: ['worker'] };
    const { ref } = await create(iam, 'AWS::IAM::ManagedPolicy', shared);
    for (const RoleName of ['second', 'third']) await createRole(iam, { RoleName, ManagedPolicyArns: [ref] });
    iam.authorize(WORKER, 'dynamodb:PutItem', TABLE);
    const second: Principal = { kind: 'role', roleArn: ROLE_ARN.replace('worker', 'second'), sessionName: 'Second' };
    iam.authorize(second, 'dynamodb:GetItem', TABLE);
    expect(iam.report(SERVICES).unused.map(({ role, actions }) => [role, actions])).toEqual([
      ['worker', ['dynamodb:GetItem']],
      ['second', ['dynamodb:Put*']],
      ['third', ['dynamodb:GetItem', 'dynamodb:Put*']],
    ]);
  });

  test("leaves out Deny statements and AWS's own policies", async () => {
    const iam = await iamWith({ Effect: 'Deny', Action: 'dynamodb:*', Resource: '*' });
    await createRole(iam, {
      RoleName: 'other',
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole'],
    });
    expect(iam.report(SERVICES)).toEqual({ denied: [], unused: [], unchecked: [] });
  });
});
