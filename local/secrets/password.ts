import { randomInt } from 'node:crypto';
import * as v from 'valibot';
import { isObject } from '../json.ts';
import { count, flag } from '../resource-properties.ts';

const KINDS = {
  ExcludeLowercase: 'abcdefghijklmnopqrstuvwxyz',
  ExcludeUppercase: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  ExcludeNumbers: '0123456789',
  ExcludePunctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
} as const;

/**
 * `GenerateSecretString` of `AWS::SecretsManager::Secret`, with its defaults.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
 */
export const generateSecretString = v.strictObject({
  PasswordLength: v.optional(v.pipe(count, v.minValue(1), v.maxValue(4096)), 32),
  ExcludeCharacters: v.optional(v.string(), ''),
  ExcludeLowercase: v.optional(flag, false),
  ExcludeUppercase: v.optional(flag, false),
  ExcludeNumbers: v.optional(flag, false),
  ExcludePunctuation: v.optional(flag, false),
  IncludeSpace: v.optional(flag, false),
  RequireEachIncludedType: v.optional(flag, true),
  SecretStringTemplate: v.optional(v.string()),
  GenerateStringKey: v.optional(v.string()),
});

export type GenerateSecretString = v.InferOutput<typeof generateSecretString>;

/**
 * Makes a secret: a password, or the template with a password under the given key.
 * @throws Error for impossible requirements, and for a template that is no JSON object
 */
export function generateSecret(options: GenerateSecretString): string {
  const { SecretStringTemplate: template, GenerateStringKey: key } = options;
  if ((template === undefined) !== (key === undefined)) {
    throw new Error('SecretStringTemplate and GenerateStringKey go together');
  }
  const password = generatePassword(options);
  if (template === undefined || key === undefined) return password;
  return JSON.stringify({ ...parseTemplate(template), [key]: password });
}

function parseTemplate(template: string): object {
  const refused = `SecretStringTemplate must be a JSON object, got ${template}`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(template);
  } catch (cause) {
    throw new Error(refused, { cause });
  }
  if (!isObject(parsed)) throw new Error(refused);
  return parsed;
}

function generatePassword(options: GenerateSecretString): string {
  const allowed = (characters: string) => [...characters].filter((each) => !options.ExcludeCharacters.includes(each));
  const kinds = Object.entries(KINDS)
    .filter(([exclusion]) => !options[exclusion as keyof typeof KINDS])
    .map(([, characters]) => allowed(characters))
    .filter((characters) => characters.length > 0);
  const all = [...kinds.flat(), ...(options.IncludeSpace ? allowed(' ') : [])];
  if (all.length === 0) throw new Error('GenerateSecretString excludes every character');
  const required = options.RequireEachIncludedType ? kinds.map(pick) : [];
  const { PasswordLength: length } = options;
  if (required.length > length)
    throw new Error(`PasswordLength ${length} is too short for one of each kind of character`);
  return shuffle([...required, ...Array.from({ length: length - required.length }, () => pick(all))]).join('');
}

function pick(characters: readonly string[]): string {
  return characters[randomInt(characters.length)] ?? '';
}

function shuffle(characters: readonly string[]): string[] {
  const left = [...characters];
  return characters.flatMap(() => left.splice(randomInt(left.length), 1));
}
