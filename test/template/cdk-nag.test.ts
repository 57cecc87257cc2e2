import { App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { beforeAll, expect, test } from 'vitest';
import { Beckon } from '../../lib/beckon.ts';
import { BeckonStack } from '../../lib/beckon-stack.ts';

let app: App;

beforeAll(() => {
  app = new App();
  new BeckonStack(app, 'Beckon', { demo: true });
  const stack = new Stack(app, 'WithEveryOption', { env: { account: '111122223333', region: 'eu-west-1' } });
  const arn = (path: string) => `arn:aws:${path}`;
  new Beckon(stack, 'Beckon', {
    issuer: 'https://login.example/',
    audience: 'beckon',
    sharedSecret: Secret.fromSecretCompleteArn(stack, 'Secret', arn('secretsmanager:eu-west-1:1:secret:s-123456')),
    encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }),
    domain: {
      domainName: 'ws.example.com',
      certificate: Certificate.fromCertificateArn(stack, 'Certificate', arn('acm:eu-west-1:1:certificate/c')),
    },
  });
});

/** What cdk-nag's AwsSolutions rules find in an app and nobody has accepted, as `rule resource`. */
function findings(scope: IConstruct): string[] {
  const { violations } = new AwsSolutionsChecks().validateScope(scope);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  );
}

interface Accepted {
  readonly construct: IConstruct;
  readonly id: string;
  readonly reason: string;
}

function acceptedFindings(scope: IConstruct): Accepted[] {
  return scope.node
    .findAll()
    .flatMap((construct) =>
      construct.node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) => Object.entries<string>(data).map(([id, reason]) => ({ construct, id, reason }))),
    );
}

test('finds nothing in the stacks but what they accept with a reason', () => {
  expect(findings(app)).toEqual([]);
});

test('each accepted finding is at one resource, with a reason', () => {
  const accepted = acceptedFindings(app);
  expect(accepted.length).toBeGreaterThan(0);
  for (const { construct, id, reason } of accepted) {
    const resources = construct.node.findAll().filter((each) => CfnResource.isCfnResource(each));
    expect(resources, `${construct.node.path} ${id}`).toHaveLength(1);
    expect(reason, id).toMatch(/^[A-Z].{30,}\.$/);
  }
});

test('finds a queue that accepts messages without TLS', () => {
  const careless = new App();
  new Queue(new Stack(careless, 'Careless'), 'Queue');
  expect(findings(careless)).toContainEqual(expect.stringMatching(/SQS4/));
});
