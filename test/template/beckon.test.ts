import { App, Stack } from 'aws-cdk-lib';
import { Capture, Match, Template } from 'aws-cdk-lib/assertions';
import { FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { Role } from 'aws-cdk-lib/aws-iam';
import { InlineCode, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { Beckon, type BeckonProps } from '../../lib/beckon.ts';
import { BeckonStack } from '../../lib/beckon-stack.ts';
import { CLIENT_FRAMES } from '../../protocol/index.ts';
import { readCallbackUrl, readSendConfig } from '../../server/config.ts';
import { ACTIONS, COUNTING, DELIVERY, READING, SENDING } from '../support/actions.ts';

let app: App;
let template: Template;

beforeAll(() => {
  app = new App();
  const stack = new BeckonStack(app, 'One');
  new BeckonStack(app, 'Two');
  template = Template.fromStack(stack);
});

/** Function name in the source → what its role may do, as `action resource`. */
function permissions(of: Template): Record<string, string[]> {
  const granted: Record<string, string[]> = {};
  for (const { Properties } of Object.values(of.findResources('AWS::IAM::Policy'))) {
    const name = /([a-zA-Z]+)RoleDefaultPolicy/.exec(Properties.PolicyName)?.[1] ?? Properties.PolicyName;
    granted[name] = Properties.PolicyDocument.Statement.flatMap(
      ({ Action, Resource }: { Action: string | string[]; Resource: unknown }) =>
        [Action].flat().map((action) => `${action} ${describeResource(Resource)}`),
    ).toSorted();
  }
  return granted;
}

function describeResource(resource: unknown): string {
  const text = JSON.stringify(resource);
  const [index = ''] = /\/index\/\w+/.exec(text) ?? [];
  const [managed] = /prod\/\w+\/@connections\/\*/.exec(text) ?? [];
  if (managed) return managed;
  const name = /"(?:One)?Beckon([A-Za-z]+?)[0-9A-F]{8}"/.exec(text)?.[1];
  return name === undefined ? text : `${name}${index}`;
}

const LOGS = (name: string) => [`logs:CreateLogStream ${name}Log`, `logs:PutLogEvents ${name}Log`];

describe('the template', () => {
  test('gives each function only the permissions that it uses', () => {
    const others = {
      authorize: ['dynamodb:GetItem Connections', 'dynamodb:UpdateItem Connections'],
      connect: [],
      default: COUNTING,
      deliver: [
        ...DELIVERY,
        'sqs:DeleteMessage Deliveries',
        'sqs:GetQueueAttributes Deliveries',
        'sqs:ReceiveMessage Deliveries',
      ],
      disconnect: ['dynamodb:DeleteItem Connections', 'sqs:SendMessage Tasks'],
      manage: [
        'dynamodb:BatchWriteItem Connections',
        'dynamodb:BatchWriteItem Messages',
        'dynamodb:DeleteItem Connections',
        'dynamodb:GetItem Connections',
        'dynamodb:Query Connections',
        'dynamodb:Query Messages',
        'dynamodb:UpdateItem Connections',
        'execute-api:ManageConnections prod/DELETE/@connections/*',
        'execute-api:ManageConnections prod/POST/@connections/*',
      ],
      send: [...SENDING, 'sqs:SendMessage FailedSends'],
      tasks: [
        ...DELIVERY,
        'dynamodb:BatchGetItem Connections',
        'dynamodb:GetItem Connections',
        'execute-api:ManageConnections prod/DELETE/@connections/*',
        'sqs:DeleteMessage Tasks',
        'sqs:GetQueueAttributes Tasks',
        'sqs:ReceiveMessage Tasks',
      ],
    };
    const routes = Object.entries(ACTIONS).map(([action, { permissions: own }]) => [action, own] as const);
    const expected = [...Object.entries(others), ...routes].map(([name, own]) => {
      return [`Beckon${name}`, [...own, ...LOGS(name)].toSorted()];
    });
    expect(permissions(template)).toEqual(Object.fromEntries(expected));
  });

  test('has the routes of the wire contract, and message routes answer', () => {
    const actions = Object.keys(CLIENT_FRAMES);
    const routes = Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => [
      Properties.RouteKey,
      Properties.RouteResponseSelectionExpression ?? 'one-way',
    ]);
    expect(Object.fromEntries(routes)).toEqual({
      $connect: 'one-way',
      $disconnect: 'one-way',
      ...Object.fromEntries(actions.map((action) => [action, '$default'])),
      $default: '$default',
    });
    template.resourceCountIs('AWS::ApiGatewayV2::RouteResponse', actions.length + 1);
  });

  test('authorizes $connect without an identity source', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: '$connect', AuthorizationType: 'CUSTOM' });
    template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', { AuthorizerType: 'REQUEST', IdentitySource: [] });
  });

  test('expires mappings by an attribute in epoch seconds, and keeps the table', () => {
    template.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'address', KeyType: 'HASH' },
          { AttributeName: 'connectionId', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      },
    });
  });

  test('expires messages, and can restore the table to any moment of the last 35 days', () => {
    template.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      Properties: {
        KeySchema: [
          { AttributeName: 'address', KeyType: 'HASH' },
          { AttributeName: 'serial', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [Match.objectLike({ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } })],
      },
    });
  });

  test('has an index by conversation with all attributes of a message', () => {
    template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      GlobalSecondaryIndexes: [
        {
          IndexName: 'conversation',
          KeySchema: [
            { AttributeName: 'conversation', KeyType: 'HASH' },
            { AttributeName: 'serial', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
  });

  test('processes tasks a few at a time, retries them, and then moves them to the dead-letter queue', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 60,
      RedrivePolicy: { maxReceiveCount: 5, deadLetterTargetArn: Match.anyValue() },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [
        { Name: 'QueueName', Value: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'QueueName'] } },
      ],
      Threshold: 1,
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });

  test('delivers to large rooms by a queue of its own, one part at a time in each of five functions of one vCPU', () => {
    const deliver = Match.stringLikeRegexp('^Beckondeliver[0-9A-F]{8}$');
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: deliver },
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^BeckonDeliveries'), 'Arn'] },
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 1769,
      Environment: { Variables: Match.objectLike({ BECKON_POSTS_PER_SECOND: '1000' }) },
    });
  });

  test.each([
    ['Deliveries', 60],
    ['Tasks', 1200],
  ])('raises an alarm if %s wait for %i seconds', (queue, Threshold) => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateAgeOfOldestMessage',
      Dimensions: [
        { Name: 'QueueName', Value: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^Beckon${queue}`), 'QueueName'] } },
      ],
      Threshold,
    });
  });

  test('keeps failed asynchronous invocations of "send", and raises an alarm', () => {
    const queue = new Capture();
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^Beckonsend[0-9A-F]{8}$') },
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queue, 'Arn'] } } },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue.asString(), 'QueueName'] } }],
      Threshold: 1,
    });
    // Apart from the tasks: those are sent back to their queue.
    expect(queue.asString()).toMatch(/FailedSends/);
  });

  test('throttles the stage, and logs access without headers, queries or bodies', () => {
    const format = new Capture();
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 2000, ThrottlingBurstLimit: 1000 },
      AccessLogSettings: { Format: format, DestinationArn: Match.anyValue() },
    });
    expect(format.asString()).not.toMatch(/header|query|body|authorizer\.(?!status)/i);
  });

  test('keeps every log for a month', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  test('runs every function on Node.js 24 on arm64, within API Gateway’s 29 seconds', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: 10,
    });
  });

  test('lets only the function "tasks" loop: a sweep of presence queues the next one', () => {
    const looping = Object.entries(template.findResources('AWS::Lambda::Function')).filter(
      ([, { Properties }]) => Properties.RecursiveLoop !== undefined,
    );
    expect(looping.map(([id, { Properties }]) => [id, Properties.RecursiveLoop])).toEqual([
      [expect.stringMatching(/^Beckontasks/), 'Allow'],
    ]);
  });

  test('has outputs for clients and operators', () => {
    expect(Object.keys(template.findOutputs('*')).toSorted()).toEqual([
      'CallbackUrl',
      'ConnectionsTableName',
      'ManageFunctionName',
      'MessagesTableName',
      'SendFunctionName',
      'WebSocketUrl',
    ]);
  });
});

test('resources have no fixed names, so two stacks of one app do not clash', () => {
  const names = /^(TableName|FunctionName|RoleName|LogGroupName|ApiName|AlarmName|QueueName)$/;
  for (const { template: stackTemplate } of app.synth().stacks) {
    for (const [id, { Properties = {} }] of Object.entries<{ Properties?: object }>(stackTemplate.Resources)) {
      const named = Object.entries(Properties).filter(([key, value]) => names.test(key) && typeof value === 'string');
      expect(named, id).toEqual([]);
    }
  }
});

describe('the construct', () => {
  const props = { issuer: 'https://login.example/', audience: 'beckon' };
  let mine: Template;

  beforeAll(() => {
    const stack = new Stack(new App(), 'Mine');
    const beckon = new Beckon(stack, 'Beckon', { ...props, sharedSecret: new Secret(stack, 'Secret') });
    const sender = new LambdaFunction(stack, 'Sender', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: new InlineCode('exports.handler = async () => {};'),
    });
    beckon.grantSend(sender);
    beckon.metric('PostsFailed').createAlarm(stack, 'Alarm', { threshold: 1, evaluationPeriods: 1 });
    mine = Template.fromStack(stack);
  });

  test('grantSend gives another function the permissions and the environment for sending', () => {
    mine.hasResourceProperties('AWS::Lambda::Function', {
      Code: { ZipFile: Match.anyValue() },
      Environment: { Variables: { BECKON_CONNECTIONS_TABLE: { Ref: Match.stringLikeRegexp('^BeckonConnections') } } },
    });
    expect(permissions(mine)['SenderService']?.map((line) => line.split(' ')[0])).toEqual([
      'dynamodb:DeleteItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'execute-api:ManageConnections',
      'lambda:InvokeFunction',
      'sqs:SendMessage',
      'sqs:SendMessage',
    ]);
  });

  test('grantSend sets the variables of sendEnvironment, which are those that createSender reads', () => {
    const stack = new Stack(new App(), 'Mine');
    const beckon = new Beckon(stack, 'Beckon', { ...props, search: true });
    const runtime = Runtime.NODEJS_24_X;
    const sender = new LambdaFunction(stack, 'Sender', {
      runtime,
      handler: 'index.handler',
      code: new InlineCode('//'),
    });
    beckon.grantSend(sender);
    const functions = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
    const Variables = functions.find(({ Properties }) => Properties.Code.ZipFile)?.['Properties'].Environment.Variables;
    expect(Variables).toEqual(stack.resolve(beckon.sendEnvironment));
    expect(Variables).toMatchObject({ BECKON_STACK_NAME: 'Mine', BECKON_SEARCH: '{}' });
    expect(() => readSendConfig(Variables)).not.toThrow();
    expect(() => readCallbackUrl(Variables)).not.toThrow();
  });

  test('grantSend accepts everything with a role: an imported function, an alias, a task of ECS', () => {
    const stack = new Stack(new App(), 'Mine');
    const beckon = new Beckon(stack, 'Beckon', props);
    const role = Role.fromRoleArn(stack, 'Theirs', 'arn:aws:iam::123456789012:role/theirs');
    const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:theirs';
    beckon.grantSend(LambdaFunction.fromFunctionAttributes(stack, 'Imported', { functionArn, role }));
    beckon.grantSend(new FargateTaskDefinition(stack, 'Task').taskRole);
    const code = new InlineCode('//');
    const sender = new LambdaFunction(stack, 'Sender', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code,
    });
    beckon.grantSend(sender.addAlias('live'));
    const granted = permissions(Template.fromStack(stack));
    const sending = granted['BeckonsendMessage']?.filter((line) => /Messages$|Tasks$|connections/.test(line)) ?? [];
    expect(sending.length).toBe(4);
    const grantees = Object.keys(granted).filter((name) => !name.startsWith('Beckon'));
    expect(grantees.length).toBe(3);
    for (const grantee of grantees) expect(granted[grantee], grantee).toEqual(expect.arrayContaining(sending));
  });

  test('only the functions that verify tokens may read a shared secret', () => {
    const reading = Object.entries(permissions(mine)).filter(([, actions]) =>
      actions.some((action) => action.startsWith('secretsmanager:')),
    );
    expect(reading.map(([name]) => name).toSorted()).toEqual(['Beckonauthorize', 'Beckonregister']);
  });

  test('has metrics for alarms of the app', () => {
    mine.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'Beckon',
      MetricName: 'PostsFailed',
      Statistic: 'Sum',
      Dimensions: [{ Name: 'Stack', Value: 'Mine' }],
    });
  });

  test('only "register" gets the expected number of connections', () => {
    const stack = new Stack(new App(), 'Mine');
    new Beckon(stack, 'Beckon', { ...props, expectedConnections: 100_000 });
    const functions = Template.fromStack(stack).findResources('AWS::Lambda::Function');
    const told = Object.entries(functions).flatMap(([id, { Properties }]) => {
      const value = Properties.Environment?.Variables.BECKON_EXPECTED_CONNECTIONS;
      return value === undefined ? [] : [[id.slice(0, -8), value]];
    });
    expect(told).toEqual([['Beckonregister', '100000']]);
  });

  describe('with a default capability', () => {
    const make = (defaultCapability: BeckonProps['defaultCapability'] = {}) => {
      const stack = new Stack(new App(), 'Mine');
      new Beckon(stack, 'Beckon', { ...props, defaultCapability });
      return Template.fromStack(stack);
    };
    const inJson = '{"user:*":["send"],"room:team-*":["join","send"]}';

    test.each([[{ 'user:*': ['send'], 'room:team-*': ['join', 'send'] }], [inJson]] as const)(
      '%j reaches the functions that verify tokens, and no other',
      (capability) => {
        const functions = make(capability).findResources('AWS::Lambda::Function');
        const told = Object.entries(functions).flatMap(([id, { Properties }]) => {
          const value = Properties.Environment?.Variables.BECKON_DEFAULT_CAPABILITY;
          return value === undefined ? [] : [[id.slice(0, -8), value]];
        });
        expect(told.toSorted()).toEqual([
          ['Beckonauthorize', inJson],
          ['Beckonregister', inJson],
        ]);
      },
    );

    test.each(['{', '[]', '{"user:*":["fly"]}', '{"lobby":["join"]}', ''])(
      'the construct refuses %j, which is no capability',
      (text) => {
        expect(() => make(text)).toThrow(`defaultCapability: ${text} is no capability. Write it as`);
      },
    );

    test.each(['room:lobby ', 'room:the  lobby', 'user:bob\u200B', 'room:\u3164'])(
      'the construct refuses the name in %j',
      (name) => {
        expect(() => make(JSON.stringify({ [name]: ['send'] }))).toThrow(
          'contains no valid name. A name has visible characters',
        );
      },
    );

    test('Beckon’s own stack has an empty parameter for it', () => {
      template.hasParameter('DefaultCapability', { Type: 'String', Default: '' });
      template.hasResourceProperties('AWS::Lambda::Function', {
        Environment: { Variables: { BECKON_DEFAULT_CAPABILITY: { Ref: 'DefaultCapability' } } },
      });
    });
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses %d as a number of connections', (expectedConnections) => {
    const make = () => new Beckon(new Stack(new App(), 'Mine'), 'Beckon', { ...props, expectedConnections });
    expect(make).toThrow(`expectedConnections: expected a whole number above 0, got ${expectedConnections}`);
  });

  const withOrigin = (origin: string) => () =>
    new Beckon(new Stack(new App(), 'Mine'), 'Beckon', { ...props, allowedOrigins: [origin] });

  test.each([
    ['app.example.com', 'Write it as https://app.example.com, without a path.'],
    ['https://app.example.com/chat', 'Write it as https://app.example.com, without a path.'],
    ['wss://app.example.com', 'Write it as https://app.example.com, without a path.'],
    ['https://app.example.com/', 'Write it as browsers send it: https://app.example.com.'],
    ['https://app.example.com:443', 'Write it as browsers send it: https://app.example.com.'],
    ['https://bücher.example', 'Write it as browsers send it: https://xn--bcher-kva.example.'],
    ['https://*.example.com', 'List each origin, or allow every page with "*" alone.'],
  ])('refuses the origin %j, which would never match', (origin, advice) => {
    expect(withOrigin(origin)).toThrow(`allowedOrigins: ${JSON.stringify(origin)} is no origin. ${advice}`);
  });

  test.each(['capacitor://localhost', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'null', '*'])(
    'accepts the origin %j',
    (origin) => {
      expect(withOrigin(origin)).not.toThrow();
    },
  );

  test('CloudFormation refuses an origin in the parameter that would never match', () => {
    template.hasParameter('AllowedOrigins', {
      AllowedPattern: Match.anyValue(),
      ConstraintDescription: Match.stringLikeRegexp('^origins as browsers send them'),
    });
  });

  describe('with search', () => {
    const withSearch = (search: NonNullable<BeckonProps['search']>) => {
      const stack = new Stack(new App(), 'Mine');
      new Beckon(stack, 'Beckon', { ...props, search });
      return Template.fromStack(stack);
    };

    test('"search" may read, "work" may write, and senders know the fields', () => {
      const searching = withSearch({ fields: ['text'] });
      const granted = permissions(searching);
      expect(granted['Beckonsearch']).toEqual(
        [
          'dynamodb:BatchGetItem Messages',
          'sqs:SendMessage Tasks',
          'dynamodb:GetItem Connections',
          'dynamodb:UpdateItem Connections',
          ...READING,
          ...LOGS('search'),
        ].toSorted(),
      );
      expect(granted['Beckontasks']).toContain('dynamodb:BatchWriteItem Messages');
      const { Beckonsearch: _, Beckontasks: __, ...others } = granted;
      const { Beckonsearch: ___, Beckontasks: ____, ...without } = permissions(withSearch(false));
      expect(others).toEqual(without);
      searching.hasResourceProperties('AWS::Lambda::Function', {
        Environment: { Variables: { BECKON_SEARCH: '{"fields":["text"]}' } },
      });
    });

    test.each([[[]], [['']], [['a..b']], [['text', '.']]])('the construct refuses the fields %j', (fields) => {
      expect(() => withSearch({ fields })).toThrow('search.fields: expected paths such as "text" or "body.title", got');
    });
  });
});
