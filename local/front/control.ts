import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClaimsError, type Issuer } from '../issuer.ts';
import { isOfForeignPage, isOfLocalPage } from './hosts.ts';
import { BodyTooLargeError, readBody, sendJson, splitTarget } from './http.ts';

/** The reports of the control endpoints, by their names: `GET /_local/iam`, `GET /_local/log`… */
export type Views = Readonly<Record<string, () => unknown>>;

/** Answers `/_local/…`: the state of the local cloud, and the development issuer. */
export type Control = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export const CONTROL_PATH = '/_local';

/** Any page may read public keys. Only pages of this machine may read the rest. */
const PUBLIC = { 'access-control-allow-origin': '*' };

/** The CORS headers for the page of a development server at another port of this machine. */
function sharedWithLocalPage(request: IncomingMessage): Readonly<Record<string, string>> {
  if (!isOfLocalPage(request)) return {};
  return {
    'access-control-allow-origin': String(request.headers.origin),
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '600',
    vary: 'Origin',
  };
}

export function createControl(issuer: Issuer, views: Views): Control {
  const byPath = new Map(Object.entries(views).map(([name, view]) => [`/${name}`, view]));
  return async (request, response) => {
    const path = splitTarget(request.url).path.slice(CONTROL_PATH.length);
    const method = path === '/token' ? 'POST' : 'GET';
    const view = byPath.get(path);
    if (isOfForeignPage(request) && !isOfLocalPage(request) && !PUBLIC_PATHS.has(path)) {
      const message = `${CONTROL_PATH}${path} is not for pages of ${request.headers.origin}`;
      return sendJson(response, 403, { message });
    }
    for (const [name, value] of Object.entries(sharedWithLocalPage(request))) response.setHeader(name, value);
    if (request.method === 'OPTIONS' && isOfLocalPage(request)) {
      response.writeHead(204).end();
      return;
    }
    if (request.method !== method && (view || ISSUER_PATHS.has(path))) {
      return sendJson(response, 405, { message: `${CONTROL_PATH}${path} takes ${method}` }, { allow: method });
    }
    if (path === '/.well-known/openid-configuration')
      return sendJson(response, 200, issuer.openidConfiguration(), PUBLIC);
    if (path === '/.well-known/jwks.json') return sendJson(response, 200, issuer.jwks(), PUBLIC);
    if (path === '/token') return issueToken(issuer, request, response);
    if (view) return sendJson(response, 200, view());
    const known = [...byPath.keys(), ...ISSUER_PATHS];
    sendJson(response, 404, { message: `unknown path ${CONTROL_PATH}${path}; expected ${known.join(', ')}` });
  };
}

const PUBLIC_PATHS = new Set(['/.well-known/openid-configuration', '/.well-known/jwks.json']);
const ISSUER_PATHS = new Set([...PUBLIC_PATHS, '/token']);

async function issueToken(issuer: Issuer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const claims: unknown = JSON.parse((await readBody(request)).toString());
    sendJson(response, 200, { token: await issuer.token(claims) });
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ClaimsError || error instanceof BodyTooLargeError))
      throw error;
    const message = error instanceof SyntaxError ? 'the body must be JSON, such as {"sub": "bob"}' : error.message;
    sendJson(response, 400, { message });
  }
}
