export { resolveDynamicReferences } from './dynamic-references.ts';
export { createSecretsManager, type SecretsManager } from './secrets-manager.ts';
export { createSsm, type Ssm } from './ssm.ts';
