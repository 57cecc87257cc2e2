import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** An HTTP request as received. */
export interface SignedRequest {
  readonly method: string;
  /** The path as sent: percent-encoded, without the query. */
  readonly path: string;
  /** The query as sent, without the `?`. */
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The parts of an `Authorization: AWS4-HMAC-SHA256 …` header. */
export interface Authorization {
  readonly accessKeyId: string;
  /** `20260131` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const HEADER = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

/** Reads the header. Returns `undefined` for an incomplete SigV4 authorization. */
export function parseAuthorization(header: string | undefined): Authorization | undefined {
  const [, credential = '', signedHeaders = '', signature] = HEADER.exec(header ?? '') ?? [];
  // An access key may not contain a slash; the scope has four parts.
  const [accessKeyId, date, region, service, terminator] = credential.split('/');
  if (!signature || !accessKeyId || !date || !region || !service || terminator !== 'aws4_request') return undefined;
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/** Computes signatures of AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). */
export interface Verifier {
  isSigned(request: SignedRequest, authorization: Authorization, secretAccessKey: string): boolean;
}

/** The size of the cache of derived keys. All requests of one session on one day to one service use one key. */
const MAX_CACHED_KEYS = 1000;

export function createVerifier(): Verifier {
  const keys = new Map<string, Buffer>();
  const signingKey = ({ date, region, service }: Authorization, secret: string): Buffer => {
    const name = [secret, date, region, service].join('\n');
    const known = keys.get(name);
    if (known) return known;
    if (keys.size >= MAX_CACHED_KEYS) keys.clear();
    const key = [date, region, service, 'aws4_request'].reduce<Buffer>(
      (previous, part) => hmac(previous, part),
      Buffer.from(`AWS4${secret}`),
    );
    keys.set(name, key);
    return key;
  };
  return {
    isSigned(request, authorization, secret) {
      const { date, region, service } = authorization;
      const text = [
        ALGORITHM,
        headerText(request.headers['x-amz-date']),
        `${date}/${region}/${service}/aws4_request`,
        sha256(canonicalRequest(request, authorization.signedHeaders)),
      ].join('\n');
      const expected = hmac(signingKey(authorization, secret), text);
      return timingSafeEqual(expected, Buffer.from(authorization.signature, 'hex'));
    },
  };
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const headers = signedHeaders.map(
    (name) => `${name}:${headerText(request.headers[name]).trim().replace(/\s+/g, ' ')}\n`,
  );
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.rawQuery),
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

/** Encodes the path a second time, as all services but S3 do: `%3D` on the wire is `%253D` in the signature. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  const trailing = segments.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${segments.join('/')}${trailing}`;
}

function canonicalQuery(rawQuery: string): string {
  if (rawQuery === '') return '';
  const pairs = rawQuery.split('&').map((pair) => {
    const [name = '', value = ''] = splitOnce(pair).map((part) => encode(decode(part)));
    return [name, value] as const;
  });
  const compare = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);
  return pairs
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function splitOnce(pair: string): readonly string[] {
  const equals = pair.indexOf('=');
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

/** Decodes a part of a query, in which a plus is a space. Leaves malformed text as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** Encodes all characters but letters, digits and `-._~` (RFC 3986). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
