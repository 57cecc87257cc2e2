import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** Makes valid and invalid tokens byte by byte. A JWT library would refuse to make most invalid ones. */
export interface Forge {
  /** The issuer's published keys. */
  readonly jwks: { readonly keys: readonly object[] };
  /** Returns valid claims with changes; `undefined` removes a claim. */
  claims(changes?: Readonly<Record<string, unknown>>): object;
  /** A token that the issuer signs, with ES256 unless the header names another algorithm. Takes text unchanged. */
  signed(payload?: object | string | Buffer, header?: object | string): string;
  /** Like `signed`, but with the attacker's key. */
  forged(payload?: object | string, header?: object | string): string;
  /** Like `signed`, but with the HMAC of a secret. */
  hmac(secret: string | Buffer, payload?: object | string, header?: object | string): string;
  /** A token with any text as its signature. */
  withSignature(signature: string | Buffer, payload?: object | string, header?: object | string): string;
  /** The issuer's public keys in the forms that verifiers have used as HMAC secrets. */
  readonly publicKeys: { readonly jwk: string; readonly pem: string; readonly der: Buffer };
  readonly attackerJwk: object;
}

export interface ForgeOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Epoch seconds. */
  readonly nowSeconds: () => number;
}

export const HEADER = { alg: 'ES256', kid: 'k1' };

export function createForge({ issuer, audience, nowSeconds }: ForgeOptions): Forge {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecJwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' };
  const rsaJwk = { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k2', alg: 'RS256' };

  const claims: Forge['claims'] = (changes = {}) => ({
    iss: issuer,
    aud: audience,
    sub: 'alice',
    exp: nowSeconds() + 3600,
    ...changes,
  });
  const inputOf = (payload: object | string | Buffer = claims(), header: object | string = HEADER) =>
    `${encode(header)}.${encode(payload)}`;
  const es256 = (input: string, key: KeyObject) =>
    `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;

  return {
    jwks: { keys: [ecJwk, rsaJwk] },
    claims,
    signed(payload, header) {
      const input = inputOf(payload, header);
      if (typeof header !== 'object' || !('alg' in header) || header.alg !== 'RS256')
        return es256(input, ec.privateKey);
      return `${input}.${sign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url')}`;
    },
    forged: (payload, header) => es256(inputOf(payload, header), attacker.privateKey),
    hmac(secret, payload, header = { alg: 'HS256', kid: 'k1' }) {
      const input = inputOf(payload, header);
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
    withSignature: (signature, payload, header) =>
      `${inputOf(payload, header)}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`,
    publicKeys: {
      jwk: JSON.stringify(ecJwk),
      pem: rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      der: rsa.publicKey.export({ format: 'der', type: 'spki' }),
    },
    attackerJwk: { ...attacker.publicKey.export({ format: 'jwk' }), kid: 'attacker', alg: 'ES256' },
  };
}

function encode(part: object | string | Buffer): string {
  const bytes = Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
  return bytes.toString('base64url');
}
