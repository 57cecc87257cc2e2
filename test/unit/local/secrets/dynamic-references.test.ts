import { expect, test } from 'vitest';
import { resolveDynamicReferences } from '../../../../local/secrets/dynamic-references.ts';

const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:app-AbCdEf';

/** Answers with what it was asked for. */
const sources = {
  secretsManager: { read: (id: string, key?: string) => `<${id}|${key ?? ''}>` },
  ssm: {
    read(name: string) {
      if (name === 'missing') throw new Error('the SSM parameter missing does not exist');
      return `<${name}>`;
    },
  },
};

test.each([
  ['nothing to resolve', 'nothing to resolve'],
  ['{{resolve:ssm:/app/url}}/x', '</app/url>/x'],
  ['{{resolve:ssm:plain:1}}', '<plain:1>'],
  ['{{resolve:secretsmanager:app}}', '<app|>'],
  [
    '{{resolve:secretsmanager:app:SecretString:user}}:{{resolve:secretsmanager:app:SecretString:password::}}',
    '<app|user>:<app|password>',
  ],
  [`{{resolve:secretsmanager:${ARN}:SecretString:user:AWSCURRENT}}`, `<${ARN}|user>`],
  [`{{resolve:secretsmanager:${ARN}}}`, `<${ARN}|>`],
])('%s → %s', (text, expected) => {
  expect(resolveDynamicReferences(text, sources)).toBe(expected);
});

test.each([
  ['{{resolve:ssm:missing}}', 'cannot be resolved: the SSM parameter missing does not exist.'],
  ['{{resolve:ssm-secure:a:1}}', 'ssm-secure is not supported locally'],
  ['{{resolve:secretsmanager:app:SecretBinary}}', 'expected SecretString after the secret, got SecretBinary'],
  ['{{resolve:secretsmanager:app:SecretString:user:AWSPREVIOUS}}', 'only the current version is kept locally'],
])('%s is refused by name', (text, message) => {
  expect(() => resolveDynamicReferences(text, sources)).toThrow(message);
  expect(() => resolveDynamicReferences(text, sources)).toThrow(`The dynamic reference ${text}`);
});
