/** Whatever is written into a token, by its issuer or by a stranger, the authorizer decides: a failure sets off an alarm. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KEY_SET_ALGORITHMS, SECRET_ALGORITHMS, type TrustedIssuer } from '../../../../server/auth/authenticate.ts';
import { DEFAULT_CAPABILITY } from '../../../../server/auth/capability.ts';
import { createKeySet } from '../../../../server/auth/key-set.ts';
import { createTestAuthorizer } from '../../../support/authorizer.ts';
import { createForge, type Forge, HEADER } from '../../../support/token-forge.ts';

const NOW_SECONDS = 1_800_000_000;
const now = () => NOW_SECONDS * 1000;
const WITH_KEYS = 'https://login.example';
const WITH_SECRET = 'https://backend.example';
const SECRET = 'a secret of thirty-two bytes, at least';

const forge = createForge({ issuer: WITH_KEYS, audience: 'beckon', nowSeconds: () => NOW_SECONDS });
const trusted = { audience: 'beckon', audienceClaim: 'aud' as const };
const issuers: readonly TrustedIssuer[] = [
  {
    ...trusted,
    issuer: WITH_KEYS,
    algorithms: KEY_SET_ALGORITHMS,
    getKey: createKeySet({
      jwksUrl: `${WITH_KEYS}/jwks`,
      now,
      onFailure: (error) => expect.unreachable(String(error)),
      // Beside the good ones, those that a careless issuer publishes.
      fetch: async () => Response.json({ keys: [...forge.jwks.keys, ...BROKEN_KEYS] }),
    }),
  },
  {
    ...trusted,
    issuer: WITH_SECRET,
    algorithms: SECRET_ALGORITHMS,
    getKey: async () => new TextEncoder().encode(SECRET),
  },
];
const BROKEN_KEYS = [
  { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'b1' },
  { kty: 'EC', crv: 'P-256', x: {}, y: 7, kid: 'b2' },
  { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'b3', alg: 'RS256' },
  { kty: 'OKP', crv: 'Ed25519', x: '', kid: 'b4' },
  { kty: 'oct', k: 'AAAA', kid: 'b5' },
  { kid: 'b6' },
];

const authorize = createTestAuthorizer({ issuers, allowedOrigins: [], defaultCapability: DEFAULT_CAPABILITY, now });

/** What breaks a program that takes a value for a text, a number or a list, and what JSON makes of it. */
const HOSTILE: readonly unknown[] = [
  { toString: 1, valueOf: 1 },
  { toLowerCase: 1 },
  { length: 2 },
  { toJSON: 1 },
  { hasOwnProperty: 1 },
  ['JWT'],
  ['ES256'],
  [[]],
  '__proto__',
  'constructor',
  'toString',
  '',
  '\u0000',
  -0,
  1e308,
  Number.MAX_SAFE_INTEGER,
  NOW_SECONDS + 0.5,
];
/** As JSON text, because some of it cannot be had from a value. */
const json = fc.oneof(
  fc.constantFrom('{"__proto__":{"toString":1}}', '1e400', '-1e400', `${'['.repeat(2000)}${']'.repeat(2000)}`),
  fc.constantFrom(...HOSTILE).map((value) => JSON.stringify(value)),
  fc.json({ maxDepth: 3 }),
);
const kid = fc.constantFrom('k1', 'k2', ...BROKEN_KEYS.map((key) => key.kid)).map((id) => JSON.stringify(id));
const alg = fc
  .constantFrom(...KEY_SET_ALGORITHMS, ...SECRET_ALGORITHMS, 'none', 'ES256K', 'dir')
  .map((name) => JSON.stringify(name));

const HEADER_FIELDS = [
  'alg',
  'kid',
  'typ',
  'crit',
  'b64',
  'cty',
  'jku',
  'jwk',
  'x5u',
  'x5c',
  'x5t',
  'zip',
  'enc',
  'exp',
];
const CLAIMS = ['iss', 'aud', 'sub', 'iat', 'nbf', 'exp', 'jti', 'client_id', 'capability', '__proto__', 'toString'];

const fieldsOf = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), json, { maxKeys: 3 });
const changes = fc.record({
  header: fc.tuple(fieldsOf(HEADER_FIELDS), fc.option(fc.record({ alg, kid }, { requiredKeys: [] }))),
  claims: fieldsOf(CLAIMS),
});

/** A JSON object with fields of which some are JSON already. */
function objectOf(fields: object, changed: Readonly<Record<string, string | undefined>>): string {
  const texts = { ...Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, JSON.stringify(v)])), ...changed };
  const entries = Object.entries(texts).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${entries.join(',')}}`;
}

const SIGNERS: Readonly<Record<string, (header: string, claims: string) => string>> = {
  'the issuer': (header, claims) => forge.signed(claims, header),
  'a stranger': (header, claims) => forge.forged(claims, header),
  'whoever has the secret': (header, claims) => forge.hmac(SECRET, claims, header),
  nobody: (header, claims) => forge.withSignature('', claims, header),
};
const decide = (token: string) => authorize({ multiValueHeaders: { Authorization: [`Bearer ${token}`] } });

test.each(Object.entries(SIGNERS))('a token of any JSON, signed by %s, is decided on', async (signer, make) => {
  const issuer = signer === 'whoever has the secret' ? WITH_SECRET : WITH_KEYS;
  const base: ReturnType<Forge['claims']> = forge.claims({ iss: issuer });
  await fc.assert(
    fc.asyncProperty(changes, async ({ header: [fields, named], claims }) => {
      const token = make(objectOf(HEADER, { ...fields, ...named }), objectOf(base, claims));
      const { outcome } = await decide(token);
      expect(outcome).toMatch(/^(allowed|unauthorized)$/);
      if (signer === 'a stranger' || signer === 'nobody') expect(outcome).toBe('unauthorized');
    }),
    { numRuns: 2000 },
  );
});

test.each([...HEADER_FIELDS.map((name) => ['header', name]), ...CLAIMS.map((name) => ['claim', name])])(
  'every hostile value of the %s "%s" is decided on',
  async (where, name = '') => {
    for (const value of HOSTILE) {
      const changed = { [name]: JSON.stringify(value) };
      const header = objectOf(HEADER, where === 'header' ? changed : {});
      const claims = objectOf(forge.claims(), where === 'claim' ? changed : {});
      for (const make of Object.values(SIGNERS)) {
        expect((await decide(make(header, claims))).outcome).toMatch(/^(allowed|unauthorized)$/);
      }
    }
  },
);
