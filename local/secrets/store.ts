import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { readJsonFile } from '../json.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

const secret = v.strictObject({
  name: v.string(),
  arn: v.string(),
  description: v.optional(v.string()),
  secretString: v.string(),
  versionId: v.string(),
  /** Epoch milliseconds. */
  changedAt: v.number(),
});

export type Secret = Readonly<v.InferOutput<typeof secret>>;

/** The secrets. With a folder, they outlive the process. */
export interface SecretStore {
  /** Finds a secret by name, ARN, or ARN without its random end. */
  find(idOrArn: string): Secret | undefined;
  /** Stores `secretString` as the current version of the secret. An unchanged secret keeps its version. */
  save(name: string, secretString: string, description: string | undefined): Secret;
}

/**
 * Opens the store.
 * @throws Error naming an unreadable file
 */
export function openSecretStore(dataDirectory: string | undefined, now: () => number): SecretStore {
  const file = dataDirectory === undefined ? undefined : join(dataDirectory, 'secrets.json');
  const secrets = new Map((file === undefined ? [] : readSecrets(file)).map((each) => [each.name, each]));
  return {
    find(idOrArn) {
      const byName = secrets.get(idOrArn);
      return byName ?? [...secrets.values()].find(({ name, arn }) => arn === idOrArn || arnOf(name) === idOrArn);
    },
    save(name, secretString, description) {
      const existing = secrets.get(name);
      if (existing?.secretString === secretString && existing.description === description) return existing;
      const isSame = existing?.secretString === secretString;
      const saved: Secret = {
        name,
        arn: `${arnOf(name)}-${suffixOf(name)}`,
        ...(description !== undefined && { description }),
        secretString,
        versionId: isSame ? existing.versionId : randomUUID(),
        changedAt: now(),
      };
      secrets.set(name, saved);
      if (file !== undefined) writeWhole(file, JSON.stringify([...secrets.values()], null, 2));
      return saved;
    },
  };
}

function readSecrets(file: string): Secret[] {
  if (!existsSync(file)) return [];
  const result = v.safeParse(v.array(secret), readJsonFile(file));
  if (result.success) return result.output;
  throw new Error(`${file} does not contain saved secrets. Delete it, or use another --data directory.`);
}

/** Writes the file so that a reader sees the old or the new one, and only the user may read it. */
function writeWhole(file: string, content: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}

function arnOf(name: string): string {
  return `arn:aws:secretsmanager:${LOCAL_REGION}:${LOCAL_ACCOUNT}:secret:${name}`;
}

/** The end of an ARN. AWS uses six random characters. These are always the same for one name, so policies stay valid. */
function suffixOf(name: string): string {
  return createHash('sha256').update(name).digest('base64').replace(/[+/=]/g, 'x').slice(0, 6);
}
