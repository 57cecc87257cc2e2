import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson, splitTarget } from './front/http.ts';
import type { Issuer } from './issuer.ts';
import { isObject } from './json.ts';

/** Someone whose tokens an application trusts, as the environment of one of its functions says. */
export interface TrustedIssuer {
  /** The `iss` of the tokens. */
  readonly issuer: string;
  /** What the tokens must carry beside, such as `{ aud: 'my-app' }`. */
  readonly claims: Readonly<Record<string, string>>;
  /** Where the issuer's keys are fetched. Absent: it publishes none. */
  readonly jwksUrl?: string;
}

/** Reads whose tokens a function trusts from its environment. */
export type ReadTrust = (environment: Environment) => readonly TrustedIssuer[];

export type Environment = Readonly<Record<string, string>>;

/**
 * The issuer, out of those that functions trust, that the development issuer is to stand in for.
 * @throws Error when functions trust others alone, or when it publishes no keys
 */
export function findIssuer(url: string, trusted: readonly TrustedIssuer[]): TrustedIssuer {
  const [found] = trusted.filter(({ issuer }) => issuer === url);
  if (found?.jwksUrl !== undefined) return found;
  if (found) throw new Error(`tokens of ${url} are signed with a shared secret, which the development issuer lacks`);
  if (trusted.length === 0) return { issuer: url, claims: {}, jwksUrl: `${url.replace(/\/$/, '')}${JWKS_PATH}` };
  const names = [...new Set(trusted.map(({ issuer }) => issuer))].join(', ');
  throw new Error(`no function of the application trusts tokens of ${url}; they trust those of ${names} (--issuer)`);
}

const JWKS_PATH = '/.well-known/jwks.json';
const CONFIGURATION_PATH = '/.well-known/openid-configuration';

/** Answers for another issuer's host: false, and nothing done, for a request to any other host. */
export type ServeStandIn = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the development issuer's keys where those of `standsFor` are fetched, for functions, which come here for them. */
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
    // What else is there of AWS's own services is theirs to answer.
    if (![jwks.host, configuration.host].includes(host) || host.endsWith('.amazonaws.com')) return false;
    const known = [...answers.keys()].map((place) => `https://${place}`).join(' and ');
    sendJson(response, 404, { message: `the development issuer stands in for ${host}, and has ${known}` });
    return true;
  };
}

/** The hosts that functions find here, as `name:port`. */
export function hostsOf({ issuer, jwksUrl = issuer }: TrustedIssuer): readonly string[] {
  return [issuer, jwksUrl].map((url) => {
    const { hostname, port } = new URL(url);
    return `${hostname}:${port || 443}`;
  });
}

const JWT = /\beyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*/;

/** A handshake that has been refused. */
export interface Refusal {
  readonly statusCode: 401 | 403;
  /** The values of the headers that a token may be in. */
  readonly headers: readonly string[];
}

/**
 * Says why a token may have been refused: whose it is, and whose are trusted. `undefined` where there is none, or where it is
 * not the token that was refused.
 * @param now epoch milliseconds
 */
export function explainRefusal(
  { statusCode, headers }: Refusal,
  trusted: readonly TrustedIssuer[],
  now: number,
): string | undefined {
  const payload = headers.flatMap((value) => JWT.exec(value)?.[1] ?? [])[0];
  if (payload === undefined || trusted.length === 0) return undefined;
  const claims = readClaims(payload);
  if (!claims) return undefined;
  const names = new Set(trusted.flatMap((each) => ['iss', ...Object.keys(each.claims)]));
  const told = [...names].map((name) => `${name} ${JSON.stringify(claims[name]) ?? 'missing'}`).join(', ');
  const accepted = trusted.map(describeTrust).join('; or ');
  const { exp } = claims;
  const isExpired = typeof exp === 'number' && exp * 1000 <= now;
  const isTrusted = !isExpired && trusted.some((each) => carries(claims, { iss: each.issuer, ...each.claims }));
  // Who sends a good token from a page that may not connect is forbidden to.
  if (isTrusted && statusCode === 403) return undefined;
  const expiry = isExpired ? `; it expired at ${new Date(exp * 1000).toISOString()}` : '';
  const rest = isTrusted ? '; so it is its signature that is wrong, or another claim' : '';
  return `a token was refused: it has ${told}${expiry}; trusted are tokens with ${accepted}${rest}`;
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
    // It only looked like a token.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
