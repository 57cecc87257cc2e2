import * as v from 'valibot';
import { expect, test } from 'vitest';
import { generateSecret, generateSecretString } from '../../../../local/secrets/password.ts';

const generate = (options: object = {}) => generateSecret(v.parse(generateSecretString, options));

test('by default 32 characters, some of each kind, without a space', () => {
  for (let round = 0; round < 50; round++) {
    const password = generate();
    expect(password).toHaveLength(32);
    for (const kind of [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/]) expect(password).toMatch(kind);
    expect(password).not.toContain(' ');
  }
});

test('no two are alike', () => {
  expect(new Set(Array.from({ length: 100 }, () => generate())).size).toBe(100);
});

test('excluded characters do not occur', () => {
  const password = generate({
    ExcludePunctuation: true,
    ExcludeUppercase: 'true',
    ExcludeCharacters: 'abc012',
    PasswordLength: 2000,
  });
  expect(password).toMatch(/^[d-z3-9]{2000}$/);
});

test('a space can be let in', () => {
  expect(generate({ IncludeSpace: true, PasswordLength: 4000 })).toContain(' ');
});

test('one of each kind can be waived', () => {
  expect(generate({ PasswordLength: 1, RequireEachIncludedType: false })).toHaveLength(1);
});

test.each([
  [{ PasswordLength: 3 }, 'PasswordLength 3 is too short'],
  [
    { ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true },
    'excludes every character',
  ],
  [{ SecretStringTemplate: '{}' }, 'SecretStringTemplate and GenerateStringKey go together'],
  [{ SecretStringTemplate: '[]', GenerateStringKey: 'a' }, 'SecretStringTemplate must be a JSON object, got []'],
  [{ SecretStringTemplate: '{', GenerateStringKey: 'a' }, 'SecretStringTemplate must be a JSON object, got {'],
])('%j cannot be had', (options, message) => {
  expect(() => generate(options)).toThrow(message);
});
