import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSecretsManager } from '../../../../local/secrets/index.ts';
import { provision, resource } from '../../../support/aws-server.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';

let dataDirectory: string;

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'secrets-'));
});

afterEach(() => rmSync(dataDirectory, { recursive: true }));

const open = (directory?: string) =>
  createSecretsManager({
    clock: createSteppedClock(),
    authorize: () => undefined,
    ...(directory !== undefined && { dataDirectory: directory }),
  });

const generated = resource('AWS::SecretsManager::Secret', { Name: 'key', GenerateSecretString: {} });
const constant = (SecretString: string) => resource('AWS::SecretsManager::Secret', { Name: 'key', SecretString });

test('a generated secret outlives the process', async () => {
  const first = open(dataDirectory);
  const { ref } = await provision(first, generated);
  const second = open(dataDirectory);
  expect((await provision(second, generated)).ref).toBe(ref);
  expect(second.read('key')).toBe(first.read('key'));
  expect(second.read(ref)).toHaveLength(32);
});

test('without a folder it is another one in each run', async () => {
  const values = [open(), open()].map(async (manager) => {
    await provision(manager, generated);
    return manager.read('key');
  });
  const [first, second] = await Promise.all(values);
  expect(first).not.toBe(second);
});

test('a constant that has changed in the template is changed', async () => {
  await provision(open(dataDirectory), constant('one'));
  const second = open(dataDirectory);
  await provision(second, constant('two'));
  expect(second.read('key')).toBe('two');
});

test('only the user may read the file', async () => {
  await provision(open(dataDirectory), constant('one'));
  expect(statSync(join(dataDirectory, 'secrets.json')).mode & 0o777).toBe(0o600);
});

test('a file that is damaged is named, and not overwritten', () => {
  const file = join(dataDirectory, 'secrets.json');
  for (const content of ['{', '[{"name":1}]']) {
    writeFileSync(file, content);
    expect(() => open(dataDirectory)).toThrow(file);
    expect(readFileSync(file, 'utf8')).toBe(content);
  }
});

test('a key of a secret that is JSON can be read', async () => {
  const manager = open();
  await provision(manager, constant('{"user":"u","port":5432}'));
  expect(manager.read('key', 'user')).toBe('u');
  expect(manager.read('key', 'port')).toBe('5432');
  expect(() => manager.read('key', 'other')).toThrow('the secret key has no key other');
  expect(() => manager.read('nothing')).toThrow('the secret nothing does not exist');
  await provision(manager, constant('plain'));
  expect(() => manager.read('key', 'user')).toThrow('the secret key is not JSON, so it has no key user');
});
