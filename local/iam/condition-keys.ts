import { LOCAL_ACCOUNT, LOCAL_REGION, type Principal } from '../service.ts';

/** The condition keys of one request, in lower case. */
export type RequestKeys = ReadonlyMap<string, readonly string[]>;

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
  'dynamodb:select',
  'dynamodb:returnvalues',
] as const;

const SUPPORTED: ReadonlySet<string> = new Set([...GLOBAL_KEYS, ...SERVICE_KEYS]);

/** Throws an Error naming the key when no request here would ever have it. */
export function requireSupportedKey(key: string): void {
  if (!SUPPORTED.has(key.toLowerCase())) throw new Error(`the condition key ${key} is not supported`);
}

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
  const keys = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries({ ...global, ...context })) {
    keys.set(key.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return keys;
}
