import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { ownField } from '../json.ts';
import { type Json, type JsonAnswer, serveJson } from '../json-protocol.ts';
import { propertyError, readProperties } from '../resource-properties.ts';
import {
  type Authorize,
  AwsError,
  type AwsService,
  type Principal,
  type Provisioned,
  type Resource,
} from '../service.ts';
import { type GenerateSecretString, generateSecret, generateSecretString } from './password.ts';
import { openSecretStore, type Secret, type SecretStore } from './store.ts';

export interface SecretsManagerOptions {
  readonly clock: Clock;
  readonly authorize: Authorize;
  /** The folder that keeps generated secrets, in `secrets.json`. Default: new secrets in each run. */
  readonly dataDirectory?: string;
}

export interface SecretsManager extends AwsService {
  /**
   * Returns the value of a secret, or that of its `jsonKey`, for dynamic references.
   * @throws Error naming a missing secret or key
   */
  read(idOrArn: string, jsonKey?: string): string;
}

const properties = v.object({
  Name: v.optional(v.string()),
  Description: v.optional(v.string()),
  SecretString: v.optional(v.string()),
  GenerateSecretString: v.optional(generateSecretString),
});

/** The service `secretsmanager`: secrets of the template, read with `GetSecretValue` and `DescribeSecret`. */
export function createSecretsManager({ clock, authorize, dataDirectory }: SecretsManagerOptions): SecretsManager {
  const store = openSecretStore(dataDirectory, clock.now);
  const read = (principal: Principal, operation: string, input: Json): JsonAnswer => {
    const answer = OPERATIONS.get(operation);
    if (!answer) {
      const message = `The Secrets Manager operation ${operation} is not supported locally.`;
      throw new AwsError('UnknownOperationException', message);
    }
    const secretId = input['SecretId'];
    if (typeof secretId !== 'string') throw new AwsError('ValidationException', 'SecretId must be a name or an ARN.');
    const secret = store.find(secretId);
    authorize(principal, `secretsmanager:${operation}`, secret?.arn ?? secretId);
    if (!secret) throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return { statusCode: 200, body: answer(secret, input) };
  };
  return {
    name: 'secretsmanager',
    providers: [
      {
        type: 'AWS::SecretsManager::Secret',
        properties: ['Name', 'Description', 'SecretString', 'GenerateSecretString'],
        inertProperties: ['KmsKeyId', 'Tags'],
        create: (resource) => createSecret(store, resource),
      },
    ],
    handle: (request) => serveJson(request, '1.1', (operation, input) => read(request.principal, operation, input)),
    read: (idOrArn, jsonKey) => readValue(store, idOrArn, jsonKey),
    async close() {},
  };
}

const OPERATIONS: ReadonlyMap<string, (secret: Secret, input: Json) => Json> = new Map([
  ['GetSecretValue', getSecretValue],
  ['DescribeSecret', describeSecret],
]);

function getSecretValue(secret: Secret, input: Json): Json {
  const { VersionStage = 'AWSCURRENT', VersionId = secret.versionId } = input;
  if (VersionStage !== 'AWSCURRENT' || VersionId !== secret.versionId) {
    const version = `${VersionId}, staging label ${VersionStage}`;
    const message = `Secrets Manager can't find the version ${version}: only the current one is kept locally.`;
    throw new AwsError('ResourceNotFoundException', message);
  }
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: secret.versionId,
    SecretString: secret.secretString,
    VersionStages: ['AWSCURRENT'],
    CreatedDate: secret.changedAt / 1000,
  };
}

function describeSecret(secret: Secret): Json {
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(secret.description !== undefined && { Description: secret.description }),
    VersionIdsToStages: { [secret.versionId]: ['AWSCURRENT'] },
    LastChangedDate: secret.changedAt / 1000,
  };
}

function createSecret(store: SecretStore, resource: Resource): Provisioned {
  const wanted = readProperties(resource, properties);
  const name = wanted.Name ?? resource.physicalName;
  const { arn } = store.save(name, secretStringOf(store, resource, name, wanted), wanted.Description);
  return { ref: arn, attributes: { Id: arn } };
}

function secretStringOf(
  store: SecretStore,
  resource: Resource,
  name: string,
  { SecretString, GenerateSecretString }: v.InferOutput<typeof properties>,
): string {
  if (SecretString !== undefined && !GenerateSecretString) return SecretString;
  if (GenerateSecretString && SecretString === undefined) {
    // The secret of an earlier run stays, because data may depend on it.
    return store.find(name)?.secretString ?? generate(resource, GenerateSecretString);
  }
  throw propertyError(resource, 'SecretString', 'expected either this or GenerateSecretString');
}

function generate(resource: Resource, options: GenerateSecretString): string {
  try {
    return generateSecret(options);
  } catch (error) {
    throw propertyError(resource, 'GenerateSecretString', error instanceof Error ? error.message : String(error));
  }
}

function readValue(store: SecretStore, idOrArn: string, jsonKey?: string): string {
  const secret = store.find(idOrArn);
  if (!secret) throw new Error(`the secret ${idOrArn} does not exist`);
  if (jsonKey === undefined) return secret.secretString;
  let fields: unknown;
  try {
    fields = JSON.parse(secret.secretString);
  } catch (cause) {
    throw new Error(`the secret ${idOrArn} is not JSON, so it has no key ${jsonKey}`, { cause });
  }
  const value = ownField(fields, jsonKey);
  if (value === undefined) throw new Error(`the secret ${idOrArn} has no key ${jsonKey}`);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
