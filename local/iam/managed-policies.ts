/**
 * The supported managed policies of AWS, with the permissions that AWS documents for them
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

/** The names of the supported managed policies of AWS. */
export const AWS_MANAGED_POLICIES: readonly string[] = Object.keys(ACTIONS);

const PREFIX = 'arn:aws:iam::aws:policy/';

/** Whether the ARN is that of a policy of AWS, and not of the application. */
export function isAwsManaged(arn: string): boolean {
  return arn.startsWith(PREFIX);
}

/** Returns the document of a managed policy of AWS. @throws Error naming an unsupported one */
export function awsManagedPolicy(arn: string): unknown {
  const name = arn.slice(PREFIX.length);
  const actions = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (!actions) {
    throw new Error(
      `the AWS managed policy ${name} is not supported; expected one of ${AWS_MANAGED_POLICIES.join(', ')}`,
    );
  }
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
}
