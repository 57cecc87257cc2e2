import { App, NestedStack, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Key } from 'aws-cdk-lib/aws-kms';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { Beckon, type BeckonProps } from '../../lib/beckon.ts';
import { CLIENT_FRAMES } from '../../protocol/index.ts';

const IDENTITY = { issuer: 'https://login.example/', audience: 'beckon' };

/** A stack with Beckon in it, as an application would make one. */
function build(options: (stack: Stack) => Partial<BeckonProps>): { beckon: Beckon; template: Template } {
  const stack = new Stack(new App(), 'Mine', { env: { region: 'eu-west-1' } });
  const beckon = new Beckon(stack, 'Beckon', { ...IDENTITY, ...options(stack) });
  return { beckon, template: Template.fromStack(stack) };
}

test('rate limits of a connection and of a user are the same unless the app sets both', () => {
  const rate = (messagesPerSecond: number) => ({ messagesPerSecond, burst: 10 * messagesPerSecond });
  const variables = (options: Partial<BeckonProps>) => {
    const { template } = build(() => options);
    const functions = template.findResources('AWS::Lambda::Function');
    const [, ping] = Object.entries(functions).find(([id]) => id.startsWith('Beckonping')) ?? [];
    return ping?.['Properties'].Environment.Variables;
  };
  expect(variables({ rateLimit: rate(7) })).toMatchObject({
    BECKON_RATE_PER_SECOND: '7',
    BECKON_RATE_BURST: '70',
    BECKON_USER_RATE_PER_SECOND: '7',
    BECKON_USER_RATE_BURST: '70',
  });
  expect(variables({ userRateLimit: rate(9) })).toMatchObject({
    BECKON_RATE_PER_SECOND: '100',
    BECKON_USER_RATE_PER_SECOND: '9',
    BECKON_USER_RATE_BURST: '90',
  });
  const refused = { ...rate(1), burst: 0 };
  expect(() => variables({ userRateLimit: refused })).toThrow('userRateLimit.burst: expected a number above 0, got 0');
});

test.each([
  [1250, 2, '625'],
  [5000, 5, '1000'],
  [9000, 9, '1000'],
])('posts to large rooms at most %i times a second', (deliveryPostsPerSecond, MaximumConcurrency, perInvocation) => {
  const { template } = build(() => ({ deliveryPostsPerSecond }));
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 1,
    ScalingConfig: { MaximumConcurrency },
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: Match.objectLike({ BECKON_POSTS_PER_SECOND: perInvocation }) },
  });
});

test.each([0, 1, Number.NaN, 2_000_000])(
  'refuses to post %d times a second to large rooms',
  (deliveryPostsPerSecond) => {
    expect(() => build(() => ({ deliveryPostsPerSecond }))).toThrow(
      `deliveryPostsPerSecond: expected a number from 2 to 1000000, got ${deliveryPostsPerSecond}`,
    );
  },
);

test('limits can be lower than the default ones, never higher', () => {
  const told = (options: Partial<BeckonProps>) =>
    Object.entries(build(() => options).template.findResources('AWS::Lambda::Function')).flatMap(
      ([id, { Properties }]) => {
        const limits = Properties.Environment?.Variables?.BECKON_SIZE_LIMITS;
        return limits === undefined ? [] : [[/^Beckon(\w+)[0-9A-F]{8}$/.exec(id)?.[1], limits]];
      },
    );
  expect(told({})).toEqual([]);
  const routes = ['default', ...Object.keys(CLIENT_FRAMES)].toSorted();
  expect(told({ limits: { maxRooms: 5, maxFrameBytes: 8192 } }).toSorted()).toEqual(
    routes.map((route) => [route, '{"maxRooms":5,"maxFrameBytes":8192}']),
  );
  expect(() => told({ limits: { maxFrameBytes: 32_769 } })).toThrow(
    'limits.maxFrameBytes: expected a whole number from 1 to 32768, got 32769',
  );
  expect(() => told({ limits: { maxRooms: 0 } })).toThrow('expected a whole number from 1 to 50, got 0');
  expect(() => told({ limits: { rooms: 5 } as object })).toThrow(
    'limits.rooms: unknown limit, expected one of maxFrameBytes',
  );
});

test('only "sendMessage" gets the limit of inboxes, and only if the app sets one', () => {
  const told = (options: Partial<BeckonProps>) =>
    Object.entries(build(() => options).template.findResources('AWS::Lambda::Function')).flatMap(
      ([id, { Properties }]) => {
        const limit = Properties.Environment?.Variables?.BECKON_INBOX_LIMIT;
        return limit === undefined ? [] : [[/^Beckon(\w+)[0-9A-F]{8}$/.exec(id)?.[1], limit]];
      },
    );
  expect(told({})).toEqual([]);
  expect(told({ inbox: { maxMessages: 20 } })).toEqual([['sendMessage', '{"maxMessages":20}']]);
  expect(() => told({ inbox: { maxBytes: 0 } })).toThrow('inbox.maxBytes: expected a whole number above 0, got 0');
  expect(() => told({ inbox: { messages: 5 } as object })).toThrow(
    'inbox.messages: unknown limit, expected one of maxMessages, maxBytes',
  );
});

const KEPT = ['AWS::DynamoDB::GlobalTable', 'AWS::Logs::LogGroup'];

describe('in production', () => {
  let beckon: Beckon;
  let template: Template;

  beforeAll(() => {
    ({ beckon, template } = build(() => ({})));
  });

  test.each(KEPT)('every %s outlives its stack', (type) => {
    template.allResources(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('nobody can delete tables by accident, and they can be restored to an earlier moment', () => {
    template.resourceCountIs('AWS::DynamoDB::GlobalTable', 2);
    template.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      ],
    });
  });

  test('every function, dead letters, waiting tasks, failed invocations, internal errors and failing posts have an alarm', () => {
    const functions = Object.keys(template.findResources('AWS::Lambda::Function')).map(
      (logicalId) => /^Beckon(\w+)[0-9A-F]{8}$/.exec(logicalId)?.[1],
    );
    expect(beckon.alarms.map(({ node }) => node.id).toSorted()).toEqual(
      [
        ...['DeadDeliveries', 'DeadLetters', 'DeliveriesWait', 'TasksWait'],
        ...['Errors', 'FailedPosts', 'FailedSends', ...functions],
      ].toSorted(),
    );
    template.resourceCountIs('AWS::CloudWatch::Alarm', beckon.alarms.length);
  });

  test('no alarm goes off for a refused handshake, which Lambda counts as an error of "authorize"', () => {
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
    const metrics = ([, { Properties }]: (typeof alarms)[number]) =>
      [Properties, ...(Properties.Metrics ?? []).map((each: { MetricStat?: object }) => each.MetricStat ?? {})]
        .map((each) => each.Metric?.MetricName ?? each.MetricName)
        .filter(Boolean);
    const of = (name: string) => alarms.filter(([id]) => id.startsWith(`BeckonAlarms${name}`)).flatMap(metrics);
    expect(of('authorize')).toEqual(['Throttles']);
    expect(of('register').toSorted()).toEqual(['Errors', 'Throttles']);
    expect(of('FailedPosts').toSorted()).toEqual(['MessagesSent', 'PostsFailed']);
  });

  test('the app can have tables deleted with their stack, and then nothing blocks the deletion', () => {
    const { template: other } = build(() => ({ removalPolicy: RemovalPolicy.DESTROY }));
    other.allResources('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Delete' });
    other.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      Replicas: [Match.objectLike({ DeletionProtectionEnabled: false })],
    });
  });
});

describe('in development', () => {
  test('CloudFormation deletes everything with the stack, and there are no alarms', () => {
    const { beckon, template } = build(() => ({ mode: 'development' }));
    for (const type of KEPT) template.allResources(type, { DeletionPolicy: 'Delete' });
    template.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: false,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
        }),
      ],
    });
    expect(beckon.alarms).toEqual([]);
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  });

  test('the construct refuses an unknown mode', () => {
    expect(() => build(() => ({ mode: 'staging' as 'production' }))).toThrow(
      'mode: expected production or development, got "staging"',
    );
  });
});

describe('with a key of one’s own', () => {
  let template: Template;
  const keyArn = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };

  beforeAll(() => {
    ({ template } = build((stack) => ({ encryptionKey: new Key(stack, 'Key') })));
  });

  test('it encrypts tables, queues and logs', () => {
    template.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      Replicas: [Match.objectLike({ SSESpecification: { KMSMasterKeyId: keyArn } })],
    });
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: keyArn });
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: keyArn });
  });

  test('CloudWatch Logs may use it for the log groups of this account only', () => {
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'logs.eu-west-1.amazonaws.com' },
            Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': Match.anyValue() } },
          }),
        ]),
      },
    });
  });

  test('each function may use it through its services only, with the actions that they need', () => {
    const policies = Object.values(template.findResources('AWS::IAM::Policy'));
    expect(policies.length).toBeGreaterThan(0);
    for (const { Properties } of policies) {
      const actions = new Set<string>();
      const uses = new Set<string>();
      for (const { Action, Condition } of Properties.PolicyDocument.Statement) {
        const service = /dynamodb|sqs/.exec(JSON.stringify(Condition ?? {}))?.[0];
        for (const action of [Action].flat())
          action.startsWith('kms:') ? uses.add(`${action} ${service}`) : actions.add(action);
      }
      const has = (pattern: RegExp) => [...actions].some((action) => pattern.test(action));
      const needed = [
        ...(has(/^dynamodb:/) ? ['kms:Decrypt dynamodb'] : []),
        ...(has(/^sqs:(Send|Receive)Message$/) ? ['kms:Decrypt sqs'] : []),
        ...(has(/^sqs:SendMessage$/) ? ['kms:GenerateDataKey sqs'] : []),
      ];
      expect({ name: Properties.PolicyName, uses: [...uses].toSorted() }).toEqual({
        name: Properties.PolicyName,
        uses: needed,
      });
    }
  });

  test('the construct refuses a stack without a region', () => {
    const stack = new Stack(new App(), 'Anywhere');
    expect(() => new Beckon(stack, 'Beckon', { ...IDENTITY, encryptionKey: new Key(stack, 'Key') })).toThrow(
      'a key belongs to a region, and the stack Anywhere has none',
    );
  });
});

describe('with several issuers', () => {
  test('"authorize" gets the list of issuers, and may read their secrets', () => {
    const { template } = build((stack) => ({
      otherIssuers: [
        { issuer: 'https://cognito.example/pool', audience: 'client', audienceClaim: 'client_id' },
        { issuer: 'my-backend', audience: 'beckon', sharedSecret: new Secret(stack, 'Secret') },
      ],
    }));
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          BECKON_ISSUERS: {
            'Fn::Join': [
              '',
              [
                '[{"issuer":"https://login.example/","audience":"beckon"},' +
                  '{"issuer":"https://cognito.example/pool","audience":"client","audienceClaim":"client_id"},' +
                  '{"issuer":"my-backend","audience":"beckon","secretArn":"',
                { Ref: Match.stringLikeRegexp('^Secret') },
                '"}]',
              ],
            ],
          },
        },
      },
    });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('^Beckonauthorize'),
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
            Resource: { Ref: Match.stringLikeRegexp('^Secret') },
          }),
        ]),
      },
    });
  });

  test.each<[string, Partial<BeckonProps>, string]>([
    ['the same issuer twice', { otherIssuers: [IDENTITY] }, 'issuer: https://login.example/ appears twice'],
    ['keys without TLS', { issuer: 'http://login.example' }, 'which does not start with https://'],
    [
      'keys at another address without TLS',
      { jwksUrl: 'http://k.example/' },
      'Beckon fetches its keys from http://k.example/',
    ],
  ])('the construct refuses %s', (_, options, message) => {
    expect(() => build(() => options)).toThrow(message);
  });

  test('the construct refuses an issuer with both keys and a secret', () => {
    const both = (stack: Stack) => ({ jwksUrl: 'https://k.example/', sharedSecret: new Secret(stack, 'Secret') });
    expect(() => build(both)).toThrow('expected either jwksUrl or sharedSecret, got both');
  });
});

describe('with a domain name of one’s own', () => {
  let beckon: Beckon;
  let template: Template;

  beforeAll(() => {
    ({ beckon, template } = build((stack) => ({
      domain: {
        domainName: 'ws.example.com',
        certificate: Certificate.fromCertificateArn(stack, 'Certificate', 'arn:aws:acm:eu-west-1:1:certificate/c'),
        hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
      },
    })));
  });

  test('clients connect to it without a stage, with TLS 1.2 or newer', () => {
    expect(beckon.webSocketUrl).toBe('wss://ws.example.com');
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: 'ws.example.com',
      DomainNameConfigurations: [Match.objectLike({ SecurityPolicy: 'TLS_1_2', EndpointType: 'REGIONAL' })],
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      ApiMappingKey: Match.absent(),
      Stage: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'ws.example.com.', Type: 'A' });
  });

  test('posts go to the API’s own address, which stays open', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          BECKON_CALLBACK_URL: {
            'Fn::Join': [
              '',
              [
                'https://',
                { Ref: Match.stringLikeRegexp('^BeckonGatewayApi') },
                '.execute-api.eu-west-1.',
                { Ref: 'AWS::URLSuffix' },
                '/prod',
              ],
            ],
          },
        },
      },
    });
    template.allResourcesProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: Match.absent() });
  });
});

describe('outputs', () => {
  const NAMES = ['ManageFunctionName', 'SendFunctionName', 'WebSocketUrl'];
  const outputsOf = (stack: Stack) => Template.fromStack(stack).findOutputs('*');
  const plainNamesOf = (stack: Stack, path: string) =>
    Object.keys(outputsOf(stack)).map((name) => new RegExp(`^${path}(\\w+)[0-9A-F]{8}$`).exec(name)?.[1]);

  test('contain the URL for clients and the functions to invoke', () => {
    const { beckon } = build(() => ({}));
    const stack = Stack.of(beckon);
    expect(plainNamesOf(stack, 'Beckon').toSorted()).toEqual(NAMES);
    const values = Object.values(outputsOf(stack)).map(({ Value }) => Value);
    const { webSocketUrl, sendFunction, manageFunction } = beckon;
    expect(values).toEqual(stack.resolve([webSocketUrl, sendFunction.functionName, manageFunction.functionName]));
  });

  test('are absent if the app switches them off', () => {
    const { template } = build(() => ({ outputs: false }));
    expect(template.findOutputs('*')).toEqual({});
  });

  test('of two constructs in one stack have different names', () => {
    const stack = new Stack(new App(), 'Mine');
    new Beckon(stack, 'One', IDENTITY);
    new Beckon(stack, 'Two', { ...IDENTITY, manageAccountLogRole: false });
    for (const path of ['One', 'Two']) {
      expect(plainNamesOf(stack, path).filter(Boolean).toSorted()).toEqual(NAMES);
    }
  });

  test('belong to the nested stack of the construct', () => {
    const stack = new Stack(new App(), 'Mine');
    const nested = new NestedStack(stack, 'Nested');
    new Beckon(nested, 'Beckon', IDENTITY);
    expect(plainNamesOf(nested, 'Beckon').toSorted()).toEqual(NAMES);
    expect(outputsOf(stack)).toEqual({});
  });

  test('have the same names in each stage of an app', () => {
    const app = new App();
    const [beta, production] = ['Beta', 'Production'].map((id) => {
      const stack = new Stack(new Stage(app, id), 'Mine');
      new Beckon(stack, 'Beckon', IDENTITY);
      return Object.keys(outputsOf(stack));
    });
    expect(beta).toHaveLength(NAMES.length);
    expect(production).toEqual(beta);
  });
});
