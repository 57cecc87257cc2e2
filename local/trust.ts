import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson, splitTarget } from './front/http.ts';
import type { Issuer } from './issuer.ts';
import { isObject } from './json.ts';

/** An issuer that an application trusts, from the environment of one of its functions. */
export interface TrustedIssuer {
  /** The `iss` of the tokens. */
  readonly issuer: string;
  /** The other claims that its tokens need, such as `{ aud: 'my-app' }`. */
  readonly claims: Readonly<Record<string, string>>;
  /** The address of the issuer's keys. Absent if it publishes none. */
  readonly jwksUrl?: string;
}

/** Finds the trusted issuers in a function's environment. */
export type ReadTrust = (environment: Environment) => readonly TrustedIssuer[];

export type Environment = Readonly<Record<string, string>>;

/**
 * Finds the issuer to stand in for among those that functions trust.
 * @throws Error if functions only trust others, or if the issuer publishes no keys
 */
export function findIssuer(url: string, trusted: readonly TrustedIssuer[]): TrustedIssuer {
  const [found] = trusted.filter(({ issuer }) => issuer === url);
  if (found?.jwksUrl !== undefined) return found;
  if (found) throw new Error(`${url} signs tokens with a shared secret, which the development issuer does not have`);
  if (trusted.length === 0) return { issuer: url, claims: {}, jwksUrl: `${url.replace(/\/$/, '')}${JWKS_PATH}` };
  const names = [...new Set(trusted.map(({ issuer }) => issuer))].join(', ');
  throw new Error(`no function of the application trusts tokens of ${url}, only those of ${names} (--issuer)`);
}

const JWKS_PATH = '/.well-known/jwks.json';
const CONFIGURATION_PATH = '/.well-known/openid-configuration';

/** Answers requests to another issuer's host. Returns false, and does nothing, for other hosts. */
export type ServeStandIn = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the development issuer's keys to functions, at the address of the keys of `standsFor`. */
export function createServeStandIn(issuer: Issuer, standsFor: TrustedIssuer): ServeStandIn {
  const { issuer: url, jwksUrl = '' } = standsFor;
  const jwks = new URL(jwksUrl);
  const configuration = new URL(`${url.replace(/\/$/, '')}${CONFIGURATION_PATH}`);
  const answers = new Map<string, () => unknown>([
    [`${configuration.host}${configuration.pathname}`, () => issuer.openidConfiguration({ issuer: url, jwksUrl })],
    [`${jwks.host}${jwks.pathname}`, issuer.jwks],
  ]);
  return (request, response) => {
    const host = (request.headers.host ?? '').toLowerCase().replace(/:443$/, '');
    const answer = answers.get(`${host}${splitTarget(request.url).path}`);
    if (answer && request.method === 'GET') {
      sendJson(response, 200, answer());
      return true;
    }
    // The host may be one of AWS, whose other paths the services answer.
    if (![jwks.host, configuration.host].includes(host) || host.endsWith('.amazonaws.com')) return false;
    const known = [...answers.keys()].map((place) => `https://${place}`).join(' and ');
    sendJson(response, 404, { message: `the development issuer stands in for ${host}, and has ${known}` });
    return true;
  };
}

/** Returns the hosts that lead functions to the local cloud, as `name:port`. */
export function hostsOf({ issuer, jwksUrl = issuer }: TrustedIssuer): readonly string[] {
  return [issuer, jwksUrl].map((url) => {
    const { hostname, port } = new URL(url);
    return `${hostname}:${port || 443}`;
  });
}

const JWT = /\beyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*/;

/** A refused handshake. */
export interface Refusal {
  readonly statusCode: 401 | 403;
  /** Names and values. Any of them may contain the token. */
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * Explains why an authorizer may have refused a handshake: the token's claims and the trusted ones, or the page's origin. Returns
 * `undefined` if there is no token, or if neither is the reason.
 * @param now epoch milliseconds
 */
export function explainRefusal(
  { statusCode, headers }: Refusal,
  trusted: readonly TrustedIssuer[],
  now: number,
): string | undefined {
  const payload = headers.flatMap(([, value]) => JWT.exec(value)?.[1] ?? [])[0];
  if (payload === undefined || trusted.length === 0) return undefined;
  const claims = readClaims(payload);
  if (!claims) return undefined;
  const names = new Set(trusted.flatMap((each) => ['iss', ...Object.keys(each.claims)]));
  const told = [...names].map((name) => `${name} ${JSON.stringify(claims[name]) ?? 'missing'}`).join(', ');
  const accepted = trusted.map(describeTrust).join('; or ');
  const { exp } = claims;
  const isExpired = typeof exp === 'number' && exp * 1000 <= now;
  const isTrusted = !isExpired && trusted.some((each) => carries(claims, { iss: each.issuer, ...each.claims }));
  if (isTrusted && statusCode === 403) {
    const origin = headers.find(([name]) => name.toLowerCase() === 'origin')?.[1];
    return (
      origin && `an authorizer refused a page of ${origin}: its token is good, so the stack does not allow this origin`
    );
  }
  const expiry = isExpired ? `; it expired at ${new Date(exp * 1000).toISOString()}` : '';
  const rest = isTrusted ? '; so its signature or another claim is wrong' : '';
  return `an authorizer refused a token: it has ${told}${expiry}; the stack trusts tokens with ${accepted}${rest}`;
}

function carries(claims: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => [claims[name]].flat().includes(value));
}

function describeTrust({ issuer, claims }: TrustedIssuer): string {
  const all = Object.entries({ iss: issuer, ...claims });
  return all.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
}

function readClaims(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return isObject(claims) ? claims : undefined;
  } catch (error) {
    // The value only looked like a token.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
