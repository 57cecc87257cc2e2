import { expect, test } from 'vitest';
import { queuePolicyProvider } from '../../../../local/sqs/queue-policy.ts';
import { resource } from '../../../support/aws-server.ts';

const Queues = ['https://sqs.us-east-1.amazonaws.com/000000000000/tasks'];

const create = (...Statement: object[]) =>
  queuePolicyProvider.create(resource('AWS::SQS::QueuePolicy', { PolicyDocument: { Statement }, Queues }));

const REQUIRES_TLS = {
  Effect: 'Deny',
  Principal: { AWS: '*' },
  Action: 'sqs:*',
  Resource: '*',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};

test('a policy that only requires TLS is taken', () => {
  expect(create(REQUIRES_TLS)).toMatchObject({ ref: 'Stack-Thing-1a2b3c' });
});

test.each([
  ['an Allow', { Sid: 'Open', Effect: 'Allow', Principal: '*', Action: 'sqs:*', Resource: '*' }],
  ['a Deny of something else', { Sid: 'Open', Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: '*' }],
  [
    'a Deny with a further condition',
    { ...REQUIRES_TLS, Sid: 'Open', Condition: { Bool: { 'aws:ViaAWSService': 'false' } } },
  ],
])('%s is refused by its name', (_, statement) => {
  expect(() => create(REQUIRES_TLS, statement)).toThrow(
    /^Thing \(AWS::SQS::QueuePolicy\) in Stack: PolicyDocument: the statement Open is not supported locally/,
  );
});
