import { LOCAL_ACCOUNT, LOCAL_REGION, type Principal } from '../service.ts';

/** The condition keys of one request. Their names are compared without regard to case. */
export interface RequestKeys {
  get(key: string): readonly string[] | undefined;
}

/** Known for every request (`aws:SecureTransport` as on AWS, where every endpoint is HTTPS). */
const GLOBAL_KEYS = [
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltype',
  'aws:requestedregion',
  'aws:resourceaccount',
  'aws:securetransport',
] as const;

/** Handed over by the services, with the operations for which AWS has them. */
const SERVICE_KEYS = [
  'dynamodb:attributes',
  'dynamodb:leadingkeys',
  'dynamodb:returnconsumedcapacity',
  'dynamodb:returnvalues',
  'dynamodb:select',
  'events:detail-type',
  'events:source',
] as const;

/** Part of requests to services that do not run here; requests to those that do never have them, on AWS neither. */
const FOREIGN_KEYS = ['kms:viaservice'] as const;

/** Every condition key that a policy may use, in lower case. */
export const CONDITION_KEYS: ReadonlySet<string> = new Set([...GLOBAL_KEYS, ...SERVICE_KEYS, ...FOREIGN_KEYS]);

/** Throws an Error naming the key when no request here would ever have it. */
export function requireSupportedKey(key: string): void {
  if (!CONDITION_KEYS.has(key.toLowerCase())) throw new Error(`the condition key ${key} is not supported`);
}

/** The keys of a request by `principal`; values of `context` are read only when a policy asks for them. */
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
