export { type ReferenceSources, resolveDynamicReferences } from './dynamic-references.ts';
export { createSecretsManager, type SecretsManager, type SecretsManagerOptions } from './secrets-manager.ts';
export { createSsm, type Ssm, type SsmOptions } from './ssm.ts';
