import type { SecretsManager } from './secrets-manager.ts';
import type { Ssm } from './ssm.ts';

/** Where the values of dynamic references come from. */
export interface ReferenceSources {
  readonly secretsManager: Pick<SecretsManager, 'read'>;
  readonly ssm: Pick<Ssm, 'read'>;
}

/**
 * Puts values in the place of `{{resolve:ssm:…}}` and `{{resolve:secretsmanager:…}}`.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 * @throws Error naming the reference whose target does not exist, or whose kind is not supported
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
