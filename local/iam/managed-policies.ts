/**
 * The AWS managed policies that can be attached here, with the permissions that AWS documents for them
 * (docs.aws.amazon.com/aws-managed-policy/latest/reference).
 */
const LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'service-role/AWSLambdaBasicExecutionRole': LOGS,
  'service-role/AWSLambdaDynamoDBExecutionRole': [
    'dynamodb:DescribeStream',
    'dynamodb:GetRecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
    ...LOGS,
  ],
  'service-role/AWSLambdaSQSQueueExecutionRole': [
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    ...LOGS,
  ],
  'service-role/AmazonAPIGatewayPushToCloudWatchLogs': [
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:DescribeLogGroups',
    'logs:DescribeLogStreams',
    'logs:PutLogEvents',
    'logs:GetLogEvents',
    'logs:FilterLogEvents',
  ],
  AWSXRayDaemonWriteAccess: [
    'xray:PutTraceSegments',
    'xray:PutTelemetryRecords',
    'xray:GetSamplingRules',
    'xray:GetSamplingTargets',
    'xray:GetSamplingStatisticSummaries',
  ],
};

/** The names of the managed policies of AWS that can be attached. */
export const AWS_MANAGED_POLICIES: readonly string[] = Object.keys(ACTIONS);

const PREFIX = 'arn:aws:iam::aws:policy/';

/** Whether the ARN is one of AWS's own policies (and not one of the application). */
export function isAwsManaged(arn: string): boolean {
  return arn.startsWith(PREFIX);
}

/** The document of a managed policy of AWS. Throws an Error naming one that is not in the table. */
export function awsManagedPolicy(arn: string): unknown {
  const name = arn.slice(PREFIX.length);
  const actions = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (!actions) {
    throw new Error(`the AWS managed policy ${name} is not supported; there are ${AWS_MANAGED_POLICIES.join(', ')}`);
  }
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
}
