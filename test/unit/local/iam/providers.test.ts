import { describe, expect, test } from 'vitest';
import { createClock } from '../../../../local/clock.ts';
import { createIam } from '../../../../local/iam/iam.ts';
import { resource } from '../../../support/aws-server.ts';
import { create, createRole, iamWith, LAMBDA_TRUST, ROLE_ARN, WORKER } from '../../../support/iam.ts';

const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:work';
const document = (Action: string) => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action, Resource: QUEUE },
});
const newIam = () => createIam({ clock: createClock(), onCheck: () => {} });

describe('AWS::IAM::Role', () => {
  test('has its name as Ref, and its ARN', async () => {
    expect(await createRole(newIam(), { Path: '/app/' })).toEqual({
      ref: 'worker',
      attributes: {
        Arn: 'arn:aws:iam::000000000000:role/app/worker',
        RoleId: expect.stringMatching(/^AROA[0-9A-F]{17}$/),
      },
    });
  });

  test('takes the physical name without a name in the template', async () => {
    expect(await createRole(newIam(), { RoleName: undefined })).toMatchObject({ ref: 'Stack-Thing-1a2b3c' });
  });

  test("may have AWS's managed policies", async () => {
    const iam = newIam();
    await createRole(iam, {
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole'],
    });
    expect(() => iam.authorize(WORKER, 'sqs:ReceiveMessage', QUEUE)).not.toThrow();
    expect(() => iam.authorize(WORKER, 'sqs:SendMessage', QUEUE)).toThrow('is not authorized');
  });

  test('refuses a managed policy of AWS that is not known here, by name', async () => {
    const ManagedPolicyArns = ['arn:aws:iam::aws:policy/AdministratorAccess'];
    await expect(createRole(newIam(), { ManagedPolicyArns })).rejects.toThrow(
      'the AWS managed policy AdministratorAccess is not supported; expected one of service-role/AWSLambdaBasicExecutionRole',
    );
  });

  test('that is left out is still a role, which may do what its other policies allow', async () => {
    const iam = newIam();
    const provider = iam.providers.find(({ type }) => type === 'AWS::IAM::Role');
    const wrong = { ...document('sqs:SendMessage'), Version: '2008-10-17' };
    const properties = {
      RoleName: 'worker',
      AssumeRolePolicyDocument: LAMBDA_TRUST,
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
      Policies: [
        { PolicyName: 'good', PolicyDocument: document('sqs:ReceiveMessage') },
        { PolicyName: 'wrong', PolicyDocument: wrong },
      ],
    };
    const left = provider?.leaveOut?.(resource('AWS::IAM::Role', properties), 'whatever');
    expect(left).toMatchObject({ ref: 'worker', attributes: { Arn: ROLE_ARN } });
    expect(() => iam.issueForRole(ROLE_ARN, 'Work', 'lambda.amazonaws.com')).not.toThrow();
    expect(() => iam.authorize(WORKER, 'sqs:ReceiveMessage', QUEUE)).not.toThrow();
    expect(() => iam.authorize(WORKER, 'sqs:SendMessage', QUEUE)).toThrow('is not authorized');
  });

  test('may have conditions that are not known here, on what does not run here', async () => {
    const Condition = { StringLike: { 's3:prefix': 'home/*' }, NumericLessThan: { 's3:max-keys': 10 } };
    const grant = (Action: string) => ({ Effect: 'Allow', Action, Resource: '*', Condition });
    await expect(iamWith([grant('s3:ListBucket')])).resolves.toBeDefined();
    for (const action of ['dynamodb:Scan', 'DynamoDB:*', '*']) {
      await expect(iamWith([grant(action)]), action).rejects.toThrow('s3:prefix');
    }
  });

  test('refuses a second role of the same name', async () => {
    await expect(createRole(await iamWith([]), {})).rejects.toThrow('the role worker exists already');
  });
});

describe('AWS::IAM::Policy', () => {
  test('adds permissions to roles', async () => {
    const iam = await iamWith([]);
    await create(iam, 'AWS::IAM::Policy', {
      PolicyName: 'more',
      PolicyDocument: document('sqs:SendMessage'),
      Roles: ['worker'],
    });
    expect(() => iam.authorize(WORKER, 'sqs:SendMessage', QUEUE)).not.toThrow();
  });

  test('cannot be attached to a role of somewhere else', async () => {
    const properties = { PolicyName: 'more', PolicyDocument: document('sqs:*'), Roles: ['theirs'] };
    await expect(create(newIam(), 'AWS::IAM::Policy', properties)).rejects.toThrow(
      'cannot attach more to the role theirs, which is not part of the application',
    );
  });
});

describe('AWS::IAM::ManagedPolicy', () => {
  test('has its ARN as Ref, and can be attached from either side', async () => {
    const iam = await iamWith([]);
    const properties = { ManagedPolicyName: 'shared', PolicyDocument: document('sqs:SendMessage'), Roles: ['worker'] };
    const { ref } = await create(iam, 'AWS::IAM::ManagedPolicy', properties);
    expect(ref).toBe('arn:aws:iam::000000000000:policy/shared');
    await createRole(iam, { RoleName: 'other', ManagedPolicyArns: [ref] });
    const other = { ...WORKER, roleArn: 'arn:aws:iam::000000000000:role/other' };
    for (const principal of [WORKER, other]) {
      expect(() => iam.authorize(principal, 'sqs:SendMessage', QUEUE)).not.toThrow();
    }
  });
});

describe('the credentials of a role', () => {
  test('are given to a service that it trusts', async () => {
    const iam = await iamWith([]);
    expect(iam.issueForRole(ROLE_ARN, 'Work', 'lambda.amazonaws.com')).toEqual({
      accessKeyId: expect.stringMatching(/^ASIA[A-Z2-7]{16}$/),
      secretAccessKey: expect.any(String),
      sessionToken: expect.any(String),
    });
  });

  test('are not given to another service', async () => {
    const iam = await iamWith([]);
    expect(() => iam.issueForRole(ROLE_ARN, 'Work', 'events.amazonaws.com')).toThrow(
      `The role ${ROLE_ARN} cannot be assumed by events.amazonaws.com: its trust policy does not allow it.`,
    );
  });

  test('are not given of a role that is not part of the application', () => {
    expect(() => newIam().issueForRole('arn:aws:iam::1:role/x', 'Work', 'lambda.amazonaws.com')).toThrow(
      'The role with ARN arn:aws:iam::1:role/x cannot be found: it is not part of the application.',
    );
  });

  test('cannot depend on a condition in the trust policy', async () => {
    const [statement] = LAMBDA_TRUST.Statement;
    const AssumeRolePolicyDocument = {
      Statement: { ...statement, Condition: { StringEquals: { 'aws:SourceAccount': '1' } } },
    };
    await expect(createRole(newIam(), { AssumeRolePolicyDocument })).rejects.toThrow(
      'AssumeRolePolicyDocument: a condition or a Deny on a service is not supported',
    );
  });
});
