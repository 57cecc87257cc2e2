// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are policy variables
import { describe, expect, test } from 'vitest';
import { iamWith, WORKER } from '../../../support/iam.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Messages';

type Context = Readonly<Record<string, string | readonly string[]>>;

/** Whether a role with these statements may put an item (or do `action`) into `resource`. */
async function allows(
  statements: unknown,
  { action = 'dynamodb:PutItem', resource = TABLE, context = {} as Context } = {},
) {
  const iam = await iamWith(statements);
  try {
    iam.authorize(WORKER, action, resource, context);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'AccessDeniedException' });
    return false;
  }
}

const allow = (more: object = {}) => ({ Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: TABLE, ...more });
const deny = (more: object = {}) => allow({ Effect: 'Deny', ...more });

describe('a statement', () => {
  test.each<[string, unknown, boolean]>([
    ['that allows the call', allow(), true],
    ['as the only item of a list', [allow()], true],
    ['of another action', allow({ Action: 'dynamodb:GetItem' }), false],
    ['of several actions', allow({ Action: ['dynamodb:GetItem', 'dynamodb:PutItem'] }), true],
    ['of all actions of the service', allow({ Action: 'dynamodb:*' }), true],
    ['of all actions of another service', allow({ Action: 'sqs:*' }), false],
    ['of all actions', allow({ Action: '*' }), true],
    ['of an action with a wildcard', allow({ Action: 'dynamodb:Put*' }), true],
    ['of an action with a wildcard for one character', allow({ Action: 'dynamodb:PutIte?' }), true],
    ['of an action in lower case', allow({ Action: 'dynamodb:putitem' }), true],
    ['of all but the action', allow({ Action: undefined, NotAction: 'dynamodb:PutItem' }), false],
    ['of all but another action', allow({ Action: undefined, NotAction: 'dynamodb:Delete*' }), true],
    ['for another resource', allow({ Resource: `${TABLE}s` }), false],
    ['for the resource in lower case', allow({ Resource: TABLE.toLowerCase() }), false],
    ['for all resources', allow({ Resource: '*' }), true],
    ['for a resource with a wildcard', allow({ Resource: 'arn:aws:dynamodb:*:*:table/Mess*' }), true],
    [
      'for a resource with a wildcard for one character',
      allow({ Resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/Message?' }),
      true,
    ],
    ['for what is below the resource', allow({ Resource: `${TABLE}/index/*` }), false],
    ['for several resources', allow({ Resource: [`${TABLE}/index/*`, TABLE] }), true],
    ['for all but the resource', allow({ Resource: undefined, NotResource: TABLE }), false],
    ['for all but another resource', allow({ Resource: undefined, NotResource: `${TABLE}/*` }), true],
    [
      'for a resource whose wildcard would have to reach over a colon',
      allow({ Resource: 'arn:aws:*:*:*:table/Messages/*' }),
      false,
    ],
    [
      'for a resource named by a variable',
      allow({ Resource: 'arn:aws:dynamodb:us-east-1:${aws:PrincipalAccount}:table/Messages' }),
      true,
    ],
    [
      'for a resource with an asterisk in its name',
      allow({ Resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/Message${*}' }),
      false,
    ],
    ['that denies, beside one that allows', [allow({ Action: '*', Resource: '*' }), deny()], false],
    ['that denies something else, beside one that allows', [allow(), deny({ Action: 'dynamodb:GetItem' })], true],
    ['that denies all but the action', [allow(), deny({ Action: undefined, NotAction: 'dynamodb:PutItem' })], true],
  ])('%s', async (_, statements, expected) => {
    expect(await allows(statements)).toBe(expected);
  });

  test('reaches over slashes and further colons within the resource', async () => {
    const statement = allow({ Action: 'logs:*', Resource: 'arn:aws:logs:us-east-1:000000000000:log-group:/app*' });
    const resource = 'arn:aws:logs:us-east-1:000000000000:log-group:/app/a:log-stream:b';
    expect(await allows(statement, { action: 'logs:PutLogEvents', resource })).toBe(true);
  });
});

describe('a condition', () => {
  const keys: Context = { 'dynamodb:LeadingKeys': ['user#bob'], 'dynamodb:Select': 'COUNT' };
  const two = { 'dynamodb:LeadingKeys': ['user#bob', 'user#eve'] };

  test.each<[string, unknown, Context, boolean]>([
    ['StringEquals', { 'dynamodb:Select': 'COUNT' }, keys, true],
    ['StringEquals', { 'dynamodb:Select': ['ALL', 'COUNT'] }, keys, true],
    ['StringEquals', { 'dynamodb:Select': 'count' }, keys, false],
    ['StringEquals', { 'DynamoDB:select': 'COUNT' }, keys, true],
    ['StringEquals', { 'dynamodb:Select': 'COUNT' }, {}, false],
    ['StringEquals', { 'dynamodb:Select': 'COUNT', 'dynamodb:LeadingKeys': 'user#eve' }, keys, false],
    ['StringEqualsIfExists', { 'dynamodb:Select': 'COUNT' }, {}, true],
    ['StringEqualsIfExists', { 'dynamodb:Select': 'COUNT' }, { 'dynamodb:Select': 'ALL' }, false],
    ['StringEqualsIgnoreCase', { 'dynamodb:Select': 'count' }, keys, true],
    ['StringNotEquals', { 'dynamodb:Select': 'COUNT' }, keys, false],
    ['StringNotEquals', { 'dynamodb:Select': ['ALL', 'COUNT'] }, keys, false],
    ['StringNotEquals', { 'dynamodb:Select': 'ALL' }, keys, true],
    ['StringNotEquals', { 'dynamodb:Select': 'ALL' }, {}, true],
    ['StringLike', { 'dynamodb:LeadingKeys': 'user#*' }, keys, true],
    ['StringLike', { 'dynamodb:LeadingKeys': 'room#*' }, keys, false],
    ['StringNotLike', { 'dynamodb:LeadingKeys': 'room#*' }, keys, true],
    ['ForAllValues:StringLike', { 'dynamodb:LeadingKeys': 'user#*' }, two, true],
    ['ForAllValues:StringEquals', { 'dynamodb:LeadingKeys': 'user#bob' }, two, false],
    ['ForAllValues:StringEquals', { 'dynamodb:LeadingKeys': ['user#bob', 'user#eve'] }, two, true],
    ['ForAllValues:StringEquals', { 'dynamodb:LeadingKeys': 'user#bob' }, {}, true],
    ['ForAnyValue:StringEquals', { 'dynamodb:LeadingKeys': 'user#bob' }, two, true],
    ['ForAnyValue:StringEquals', { 'dynamodb:LeadingKeys': 'user#tom' }, two, false],
    ['ForAnyValue:StringEquals', { 'dynamodb:LeadingKeys': 'user#bob' }, {}, false],
    ['ForAllValues:StringNotEquals', { 'dynamodb:LeadingKeys': 'user#tom' }, two, true],
    ['Null', { 'dynamodb:Select': 'true' }, {}, true],
    ['Null', { 'dynamodb:Select': true }, keys, false],
    ['Null', { 'dynamodb:Select': 'false' }, keys, true],
    ['Null', { 'dynamodb:Select': 'false' }, {}, false],
    ['Bool', { 'aws:SecureTransport': 'true' }, {}, true],
    ['Bool', { 'aws:SecureTransport': false }, {}, false],
    ['ArnLike', { 'aws:PrincipalArn': 'arn:aws:iam::*:role/work*' }, {}, true],
    ['ArnEquals', { 'aws:PrincipalArn': 'arn:aws:iam::000000000000:role/worker' }, {}, true],
    ['ArnNotLike', { 'aws:PrincipalArn': 'arn:aws:iam::*:role/work*' }, {}, false],
    ['ArnLike', { 'aws:PrincipalArn': 'arn:aws:iam::${aws:PrincipalAccount}:role/worker' }, {}, true],
    ['StringEquals', { 'aws:PrincipalArn': '${aws:PrincipalArn}' }, {}, true],
    ['StringEquals', { 'aws:PrincipalArn': '*' }, {}, false],
    ['StringLike', { 'aws:PrincipalArn': '${*}' }, {}, false],
    ['StringEquals', { 'aws:RequestedRegion': 'us-east-1', 'aws:PrincipalAccount': '000000000000' }, {}, true],
  ])('%s %j on %j', async (operator, block, context, expected) => {
    const statement = allow({ Condition: { [operator]: block } });
    expect(await allows(statement, { context })).toBe(expected);
  });

  test('must hold for every operator', async () => {
    const Condition = { StringEquals: { 'dynamodb:Select': 'COUNT' }, Null: { 'dynamodb:LeadingKeys': 'true' } };
    expect(await allows(allow({ Condition }), { context: { 'dynamodb:Select': 'COUNT' } })).toBe(true);
    expect(await allows(allow({ Condition }), { context: keys })).toBe(false);
  });
});

describe('what cannot be evaluated is refused when the policy is deployed', () => {
  const place = 'policy own, statement 1';

  test.each<[string, unknown, string]>([
    [
      'an operator',
      allow({ Condition: { NumericLessThan: { 'dynamodb:Select': 1 } } }),
      `${place}: the condition operator NumericLessThan is not supported`,
    ],
    [
      'a quantifier',
      allow({ Condition: { 'ForSome:StringLike': { 'dynamodb:Select': 1 } } }),
      'ForSome:StringLike is not supported',
    ],
    [
      'a key',
      allow({ Condition: { StringEquals: { 'aws:SourceVpc': 'x' } } }),
      `${place}: the condition key aws:SourceVpc is not supported`,
    ],
    [
      'a variable in a resource',
      allow({ Resource: 'arn:aws:sqs:::${aws:username}' }),
      `${place}: the condition key aws:username is not supported`,
    ],
    [
      'a variable in a condition',
      allow({ Condition: { StringLike: { 'dynamodb:LeadingKeys': '${aws:userid}*' } } }),
      'the condition key aws:userid is not supported',
    ],
    ['a principal', allow({ Principal: '*' }), `${place}: "Principal" is not supported in an identity-based policy`],
    ['an effect', allow({ Effect: 'allow' }), `${place}: Effect must be Allow or Deny, got "allow"`],
    ['no action', allow({ Action: undefined }), `${place}: expected either Action or NotAction`],
    ['two kinds of resources', allow({ NotResource: '*' }), `${place}: expected either Resource or NotResource`],
    ['an action that is none', allow({ Action: 'PutItem' }), `${place}: "PutItem" is not an action (service:Action)`],
    ['a resource that is none', allow({ Resource: 'Messages' }), `${place}: "Messages" is neither "*" nor an ARN`],
    [
      'a resource that is too short',
      allow({ Resource: 'arn:aws:sqs:*' }),
      `${place}: "arn:aws:sqs:*" is neither "*" nor an ARN`,
    ],
    ['a statement that is none', 'Allow', `${place}: expected an object, got "Allow"`],
  ])('%s', async (_, statement, message) => {
    await expect(iamWith(statement)).rejects.toThrow(message);
  });
});

describe('a refused call', () => {
  const arn = 'arn:aws:sts::000000000000:assumed-role/worker/Work';

  test("is described in AWS's words when nothing allows it", async () => {
    const iam = await iamWith(allow());
    expect(() => iam.authorize(WORKER, 'dynamodb:GetItem', TABLE)).toThrow(
      `User: ${arn} is not authorized to perform: dynamodb:GetItem on resource: ${TABLE} because no identity-based policy allows the dynamodb:GetItem action`,
    );
  });

  test("is described in AWS's words when something denies it", async () => {
    const iam = await iamWith([allow(), deny()]);
    expect(() => iam.authorize(WORKER, 'dynamodb:PutItem', TABLE)).toThrow(
      `User: ${arn} is not authorized to perform: dynamodb:PutItem on resource: ${TABLE} with an explicit deny in an identity-based policy`,
    );
  });

  test.each([
    ['dynamodb:PutItem', 400],
    ['execute-api:ManageConnections', 403],
    ['lambda:InvokeFunction', 403],
  ])('%s has the status %i', async (action, statusCode) => {
    const iam = await iamWith(allow({ Action: 'sqs:*' }));
    expect(() => iam.authorize(WORKER, action, TABLE)).toThrow(expect.objectContaining({ statusCode }));
  });

  test('is never one of the administrator', async () => {
    const iam = await iamWith(deny({ Action: '*', Resource: '*' }));
    expect(() => iam.authorize({ kind: 'admin' }, 'dynamodb:PutItem', TABLE)).not.toThrow();
  });
});
