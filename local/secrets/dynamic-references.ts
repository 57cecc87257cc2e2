import type { SecretsManager } from './secrets-manager.ts';
import type { Ssm } from './ssm.ts';

/** The sources of the values of dynamic references. */
export interface ReferenceSources {
  readonly secretsManager: Pick<SecretsManager, 'read'>;
  readonly ssm: Pick<Ssm, 'read'>;
}

/**
 * Replaces `{{resolve:ssm:…}}` and `{{resolve:secretsmanager:…}}` by their values.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 * @throws Error naming a reference to a missing target, or of an unsupported kind
 */
export function resolveDynamicReferences(text: string, sources: ReferenceSources): string {
  return text.replaceAll(/\{\{resolve:([^:}]+):([^}]*)\}\}/g, (reference, service: string, rest: string) => {
    try {
      return target(service, rest, sources);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The dynamic reference ${reference} cannot be resolved: ${reason}.`, { cause });
    }
  });
}

function target(service: string, rest: string, { secretsManager, ssm }: ReferenceSources): string {
  if (service === 'ssm') return ssm.read(rest);
  if (service !== 'secretsmanager') throw new Error(`${service} is not supported locally`);
  const [, id = '', kind, jsonKey, versionStage, versionId] =
    /^(arn:[^:]*:[^:]*:[^:]*:[^:]*:secret:[^:]+|[^:]+)(?::([^:]*))?(?::([^:]*))?(?::([^:]*))?(?::([^:]*))?$/.exec(
      rest,
    ) ?? [];
  if (kind && kind !== 'SecretString') throw new Error(`expected SecretString after the secret, got ${kind}`);
  if ((versionStage && versionStage !== 'AWSCURRENT') || versionId) {
    throw new Error('only the current version is kept locally');
  }
  return secretsManager.read(id, jsonKey || undefined);
}
