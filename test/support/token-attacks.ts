import { type Forge, type ForgeOptions, HEADER } from './token-forge.ts';

/** A bad token: its name, the reason for its refusal, and its recipe. */
export type Attack = readonly [name: string, reason: string, make: (forge: Forge) => string];

const ALG = 'ERR_JOSE_ALG_NOT_ALLOWED';
const SIGNATURE = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED';
const NO_KEY = 'ERR_JWKS_NO_MATCHING_KEY';
const JWS = 'ERR_JWS_INVALID';
const JWT = 'ERR_JWT_INVALID';
const SHAPE = 'malformed_token';
const claim = (name: string) => `ERR_JWT_CLAIM_VALIDATION_FAILED:${name}`;

const header = (changes: object) => ({ ...HEADER, ...changes });

/** Attacks on the signature and the algorithm. */
const SIGNATURES: readonly Attack[] = [
  ['no algorithm and no signature', ALG, (forge) => forge.withSignature('', undefined, { alg: 'none' })],
  ...['none', 'None', 'NONE', 'nOnE'].map(
    (alg): Attack => [
      `the algorithm ${alg}, with some signature`,
      ALG,
      (forge) => forge.withSignature('AA', undefined, { alg }),
    ],
  ),
  ['a header without an algorithm', JWS, (forge) => forge.signed(undefined, { kid: 'k1' })],
  ['an empty algorithm', JWS, (forge) => forge.signed(undefined, header({ alg: '' }))],
  ['a list of algorithms', JWS, (forge) => forge.signed(undefined, header({ alg: ['ES256', 'none'] }))],
  ['the public key as an HMAC secret, as JWK', ALG, (forge) => forge.hmac(forge.publicKeys.jwk)],
  ['the public key as an HMAC secret, as PEM', ALG, (forge) => forge.hmac(forge.publicKeys.pem)],
  ['the public key as an HMAC secret, as DER', ALG, (forge) => forge.hmac(forge.publicKeys.der)],
  ['an HMAC with an empty secret', ALG, (forge) => forge.hmac('')],
  ['another algorithm than the key’s', NO_KEY, (forge) => forge.signed(undefined, { alg: 'RS256', kid: 'k1' })],
  ['zeros for r and s', SIGNATURE, (forge) => forge.withSignature(Buffer.alloc(64))],
  ['no signature', SIGNATURE, (forge) => forge.withSignature('')],
  [
    'the signature of another token',
    SIGNATURE,
    (forge) => forge.withSignature(signatureOf(forge.signed(forge.claims({ sub: 'eve' })))),
  ],
  ['one byte more in the signature', SIGNATURE, (forge) => `${forge.signed()}AA`],
  ['half of the signature', SIGNATURE, (forge) => forge.signed().slice(0, -43)],
  [
    'other claims than were signed',
    SIGNATURE,
    (forge) => forge.withSignature(signatureOf(forge.signed()), forge.claims({ sub: 'admin' })),
  ],
  [
    'another header than was signed',
    SIGNATURE,
    (forge) => forge.withSignature(signatureOf(forge.signed()), undefined, header({ x: 1 })),
  ],
  ['a stranger’s signature under the issuer’s key id', SIGNATURE, (forge) => forge.forged()],
];

/** Headers that point the verifier elsewhere, or that it does not understand. */
const HEADERS: readonly Attack[] = [
  ['an empty key id', NO_KEY, (forge) => forge.signed(undefined, header({ kid: '' }))],
  ['an unknown key id', NO_KEY, (forge) => forge.forged(undefined, header({ kid: 'k9' }))],
  ['a key id that is a path', NO_KEY, (forge) => forge.forged(undefined, header({ kid: '../../../../dev/null' }))],
  ['a key id that is SQL', NO_KEY, (forge) => forge.forged(undefined, header({ kid: "x' UNION SELECT 'key" }))],
  ['a key id of 4 KB', NO_KEY, (forge) => forge.forged(undefined, header({ kid: 'k'.repeat(4096) }))],
  ...[1, null, ['k1'], { k1: true }].map(
    (kid): Attack => [
      `a key id that is ${JSON.stringify(kid)}, well signed`,
      JWS,
      (forge) => forge.signed(undefined, header({ kid })),
    ],
  ),
  [
    'two key ids, of which one is the issuer’s',
    NO_KEY,
    (forge) => forge.forged(undefined, '{"alg":"ES256","kid":"k1","kid":"attacker"}'),
  ],
  [
    'the attacker’s key in the header',
    SIGNATURE,
    (forge) => forge.forged(undefined, header({ jwk: forge.attackerJwk })),
  ],
  [
    'the attacker’s key set in the header',
    SIGNATURE,
    (forge) => forge.forged(undefined, header({ jku: 'https://evil.example/jwks.json' })),
  ],
  [
    'the attacker’s certificate by its URL',
    SIGNATURE,
    (forge) => forge.forged(undefined, header({ x5u: 'https://evil.example/cert.pem' })),
  ],
  [
    'the attacker’s certificate in the header',
    SIGNATURE,
    (forge) => forge.forged(undefined, header({ x5c: ['MIIB'], x5t: 'AA' })),
  ],
  [
    'the attacker’s key under its own id',
    NO_KEY,
    (forge) => forge.forged(undefined, header({ kid: 'attacker', jwk: forge.attackerJwk })),
  ],
  [
    'a critical extension that nobody knows',
    'ERR_JOSE_NOT_SUPPORTED',
    (forge) => forge.signed(undefined, header({ crit: ['x'], x: 1 })),
  ],
  [
    'a critical extension that is not there',
    'ERR_JOSE_NOT_SUPPORTED',
    (forge) => forge.signed(undefined, header({ crit: ['x'] })),
  ],
  ['an empty list of critical extensions', JWS, (forge) => forge.signed(undefined, header({ crit: [] }))],
  [
    'a payload that is said not to be encoded',
    JWT,
    (forge) => forge.signed(undefined, header({ crit: ['b64'], b64: false })),
  ],
  ...[
    ...['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JWE', ''],
    ...[7, null, true, {}, ['JWT'], [['JWT']], { toString: 1, valueOf: 1 }, { toLowerCase: 'jwt' }],
  ].map(
    (typ): Attack => [
      `a token of the type ${JSON.stringify(typ)}, well signed`,
      JWT,
      (forge) => forge.signed(undefined, header({ typ })),
    ],
  ),
  [
    'a type that cannot be made a text, and a stranger’s signature',
    JWT,
    (forge) => forge.forged(undefined, header({ typ: { toString: 1, valueOf: 1 } })),
  ],
  ['a header that is a list', JWS, (forge) => forge.signed(undefined, '[]')],
  ['a header that is null', JWS, (forge) => forge.signed(undefined, 'null')],
  ['a header that is not JSON', JWS, (forge) => forge.signed(undefined, '{alg:ES256}')],
  [
    'an algorithm inherited from __proto__',
    JWS,
    (forge) => forge.signed(undefined, '{"__proto__":{"alg":"ES256"},"kid":"k1"}'),
  ],
];

/** Tokens that are not three parts of base64url. */
const SHAPES: readonly Attack[] = [
  ['two parts', SHAPE, (forge) => forge.signed().split('.').slice(0, 2).join('.')],
  ['four parts', SHAPE, (forge) => `${forge.signed()}.AA`],
  ['an extra dot', SHAPE, (forge) => `${forge.signed()}.`],
  ['a leading dot', SHAPE, (forge) => `.${forge.signed()}`],
  ['an empty payload', SHAPE, (forge) => forge.signed().replace(/\..*\./, '..')],
  ['padding', SHAPE, (forge) => `${forge.signed()}==`],
  ['base64 in place of base64url', SHAPE, (forge) => forge.signed(forge.claims({ x: '>>>???' })).replace(/[-_]/g, '+')],
  ['a percent sign', SHAPE, (forge) => `${forge.signed()}%00`],
  [
    'the JSON serialization',
    SHAPE,
    (forge) => JSON.stringify({ payload: forge.signed().split('.')[1], signatures: [] }),
  ],
  ['an encrypted token (JWE)', SHAPE, (forge) => `${forge.signed(undefined, { alg: 'dir', enc: 'A128GCM' })}.AA.AA`],
  ['9 KB, well signed', 'token_too_large', (forge) => forge.signed(forge.claims({ x: 'x'.repeat(6500) }))],
  ['a megabyte, well signed', 'token_too_large', (forge) => forge.signed(forge.claims({ x: 'x'.repeat(750_000) }))],
  ['a token in a token', JWT, (forge) => forge.signed(forge.signed(), header({ cty: 'JWT' }))],
  ...['[]', 'null', '"alice"', '1', '', '{"iss":'].map(
    (payload): Attack => [
      `the payload ${JSON.stringify(payload)}`,
      payload === '' ? SHAPE : JWT,
      (forge) => forge.signed(payload),
    ],
  ),
];

const claims = (name: string, reason: string, ...values: readonly unknown[]): readonly Attack[] =>
  values.map((value) => [
    `${name} ${value === undefined ? 'missing' : JSON.stringify(value)?.slice(0, 40)}`,
    reason,
    (forge) => forge.signed(forge.claims({ [name]: value })),
  ]);

/** Tokens with a valid signature and wrong claims. */
const claimAttacks = ({ issuer, audience, nowSeconds }: ForgeOptions): readonly Attack[] => {
  const now = nowSeconds();
  return [
    ...claims('exp', claim('exp'), undefined, null, `${now + 3600}`, true, [now + 3600], {}),
    ...claims('exp', 'ERR_JWT_EXPIRED', -1, 0, now - 60, now - 6),
    ...claims('exp', 'unusable_exp', now - 1, now + 0.9, 1e300, (now + 3600) * 1000),
    ...claims('nbf', claim('nbf'), now + 60, `${now}`, null),
    ...claims('iat', 'unusable_iat', now + 60, now + 60.5, 1e300),
    ...claims('iat', claim('iat'), `${now}`, null, [now]),
    ...claims('sub', claim('sub'), undefined),
    ...claims('sub', 'unusable_sub', '', null, 5, true, ['alice'], { id: 'alice' }, 'u'.repeat(257)),
    // Names that look like other names: `test/unit/protocol/names.test.ts` has them all.
    ...claims(
      'sub',
      'unusable_sub',
      ...['\uFE0F', '\u034F', '\u3164', '\u2800', '\u00A0', ' '].map((x) => `alice${x}`),
    ),
    ...claims(
      'sub',
      'unusable_sub',
      ' alice',
      'al  ice',
      'al\u3000ice',
      'alice\uFFFF',
      'alice\uFDD0',
      '\u{E0041}alice',
    ),
    // Control characters, text direction, invisible characters, line separators, half of a surrogate pair.
    ...claims('sub', 'unusable_sub', 'a\u0000b', 'alice\n', '\u007F', '\u202Ealice', 'alice\u2066', 'al\u200Bice'),
    ...claims('sub', 'unusable_sub', '\uFEFFalice', 'al\u00ADice', 'alice\u2028', 'alice\uD800', '\uDC00\uD800'),
    ...claims('aud', claim('aud'), undefined, null, 5, 'other', '', [], ['other'], [[audience]], { [audience]: true }),
    ...claims('aud', claim('aud'), `${audience} `, audience.toUpperCase(), `${audience}2`, `${audience},other`),
    ...claims('aud', 'unusable_aud', [audience, 5], [audience, [audience]], [audience, null]),
    ...claims('capability', 'unusable_capability', null, 5, true, ['send'], { 'user:*': 'send' }, { bob: ['send'] }),
    ...claims('capability', 'unusable_capability', '', 'send', '{', '"{}"', 'null', '[]', '{"user:*":["fly"]}'),
    ...claims('capability', 'unusable_capability', `{"user:${'歌'.repeat(1400)}":["send"]}`),
    ...claims('iss', 'unknown_issuer', undefined, null, [issuer], 'https://evil.example', issuer.toUpperCase()),
    ...claims('iss', 'unknown_issuer', `${issuer}/`, `${issuer}\u0000`, ` ${issuer}`, `${issuer}.evil.example`),
    [
      'sub with bytes that are no UTF-8',
      JWT,
      (forge) => forge.signed(Buffer.from(JSON.stringify(forge.claims({ sub: 'al\u00FFice' })), 'latin1')),
    ],
    [
      'the issuer twice, the wrong one last',
      'unknown_issuer',
      (forge) => forge.signed(twice(forge, 'iss', 'https://evil.example')),
    ],
    ['the expiry twice, the past one last', 'ERR_JWT_EXPIRED', (forge) => forge.signed(twice(forge, 'exp', now - 60))],
  ];
};

/** Lists every attack on a verifier with these settings. */
export function tokenAttacks(options: ForgeOptions): readonly Attack[] {
  return [...SIGNATURES, ...HEADERS, ...SHAPES, ...claimAttacks(options)];
}

/** Returns valid claims with a second value for one of them. */
export function twice(forge: Forge, name: string, second: unknown): string {
  return `${JSON.stringify(forge.claims()).slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(second)}}`;
}

function signatureOf(token: string): string {
  return token.split('.')[2] ?? '';
}
