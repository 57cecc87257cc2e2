import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { BeckonStack } from '../../lib/beckon-stack.ts';

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: unknown;
  readonly NotAction?: unknown;
  readonly NotResource?: unknown;
}

interface Policy {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
}

/** Every statement of every role's policies, whichever way they are attached, with the logical id of where it is. */
function statements(template: Template): { id: string; statement: Statement }[] {
  const policies = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']
    .flatMap((type) => Object.entries(template.findResources(type)))
    .map(([id, { Properties }]): [string, Policy] => [id, Properties]);
  const inline: [string, Policy][] = Object.entries(template.findResources('AWS::IAM::Role')).flatMap(
    ([id, { Properties }]) => (Properties.Policies ?? []).map((policy: Policy) => [id, policy]),
  );
  return [...policies, ...inline].flatMap(([id, { PolicyDocument }]) =>
    PolicyDocument.Statement.map((statement) => ({ id, statement })),
  );
}

const template = Template.fromStack(new BeckonStack(new App(), 'Beckon'));

test('every statement of every role allows named actions on named resources', () => {
  const all = statements(template);
  expect(all.length).toBeGreaterThan(Object.keys(template.findResources('AWS::Lambda::Function')).length);
  for (const { id, statement } of all) {
    const { Effect, Action, Resource, ...others } = statement;
    expect({ id, Effect, others }).toEqual({ id, Effect: 'Allow', others: {} });
    expect(
      [Action].flat().filter((action) => /[*?]/.test(String(action))),
      id,
    ).toEqual([]);
    expect([Resource].flat(), id).not.toContain('*');
  }
});

test('a role has a managed policy of AWS only where AWS demands one', () => {
  const managed = Object.values(template.findResources('AWS::IAM::Role')).flatMap(
    ({ Properties }) => Properties.ManagedPolicyArns ?? [],
  );
  expect(managed.map((arn) => JSON.stringify(arn).replace(/.*policy\//, ''))).toEqual([
    'service-role/AmazonAPIGatewayPushToCloudWatchLogs"]]}',
  ]);
});
