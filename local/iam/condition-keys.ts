import { LOCAL_ACCOUNT, LOCAL_REGION, type Principal } from '../service.ts';

/** The condition keys of one request. The case of their names does not matter. */
export interface RequestKeys {
  get(key: string): readonly string[] | undefined;
}

/** The keys of every request (`aws:SecureTransport` as on AWS, where every endpoint is HTTPS). */
const GLOBAL_KEYS = [
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltype',
  'aws:requestedregion',
  'aws:resourceaccount',
  'aws:securetransport',
] as const;

/** The keys that services provide, with the operations for which AWS has them. */
const SERVICE_KEYS = [
  'dynamodb:attributes',
  'dynamodb:leadingkeys',
  'dynamodb:returnconsumedcapacity',
  'dynamodb:returnvalues',
  'dynamodb:select',
  'events:detail-type',
  'events:source',
] as const;

/** The keys of services that do not run here. Requests to other services never have them, as on AWS. */
const FOREIGN_KEYS = ['kms:viaservice'] as const;

/** Every condition key that a policy may use, in lower case. */
export const CONDITION_KEYS: ReadonlySet<string> = new Set([...GLOBAL_KEYS, ...SERVICE_KEYS, ...FOREIGN_KEYS]);

/** @throws Error naming a key that no request here ever has */
export function requireSupportedKey(key: string): void {
  if (!CONDITION_KEYS.has(key.toLowerCase())) throw new Error(`the condition key ${key} is not supported`);
}

/** Returns the keys of a request by `principal`. It reads a value of `context` only when a policy uses it. */
export function requestKeys(
  principal: Principal & { readonly kind: 'role' },
  context: Readonly<Record<string, string | readonly string[]>>,
): RequestKeys {
  const global: Record<(typeof GLOBAL_KEYS)[number], string> = {
    'aws:principalaccount': LOCAL_ACCOUNT,
    'aws:principalarn': principal.roleArn,
    'aws:principaltype': 'AssumedRole',
    'aws:requestedregion': LOCAL_REGION,
    'aws:resourceaccount': LOCAL_ACCOUNT,
    'aws:securetransport': 'true',
  };
  return {
    get(key) {
      const wanted = key.toLowerCase();
      const name = Object.keys(context).find((candidate) => candidate.toLowerCase() === wanted);
      const value = name === undefined ? (global as Readonly<Record<string, string>>)[wanted] : context[name];
      return typeof value === 'string' ? [value] : value;
    },
  };
}
