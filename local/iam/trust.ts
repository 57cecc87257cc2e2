import { isObject } from '../json.ts';

/**
 * Returns the services that may assume a role by its trust policy. It ignores other principals (accounts, users,
 * federations), which do not exist here, and refuses a condition or a Deny on a service.
 */
export function trustedServices(document: unknown): readonly string[] {
  if (!isObject(document))
    throw new Error(`AssumeRolePolicyDocument must be an object, got ${JSON.stringify(document)}`);
  const services: string[] = [];
  for (const statement of asArray(document['Statement'])) {
    const principal = isObject(statement) ? statement['Principal'] : undefined;
    if (!isObject(statement) || !isObject(principal) || principal['Service'] === undefined) continue;
    if (statement['Condition'] !== undefined || statement['Effect'] !== 'Allow') {
      throw new Error('AssumeRolePolicyDocument: a condition or a Deny on a service is not supported');
    }
    if (!asArray(statement['Action']).includes('sts:AssumeRole')) continue;
    for (const service of asArray(principal['Service'])) services.push(String(service));
  }
  return services;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
