import type { IncomingMessage } from 'node:http';

/** An upgrade request in the form for authorizers and `$connect`. */
export interface HandshakeRequest {
  readonly host: string;
  /** Undefined if the path is not that of a stage. */
  readonly stageName: string | undefined;
  /** The headers in the client's casing, without those of the upgrade, and with those that API Gateway adds. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
}

/** Headers that end at API Gateway. An authorizer gets them back in API Gateway's own form. */
const UPGRADE_HEADERS: ReadonlySet<string> = new Set(['connection', 'upgrade', 'content-length']);
/** Headers that API Gateway replaces. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'x-amzn-trace-id',
  'x-forwarded-for',
  'x-forwarded-port',
  'x-forwarded-proto',
]);

/** Returns the stage in a path: `/prod`, and also `/prod/`, which AWS accepts. */
function stageNameOfPath(path: string): string | undefined {
  return /^\/([A-Za-z0-9_-]+)\/?$/.exec(path)?.[1];
}

/** `traceId` is the value for `X-Amzn-Trace-Id`. */
export function readHandshakeRequest(request: IncomingMessage, traceId: string): HandshakeRequest {
  const [path = '', ...queryParts] = (request.url ?? '').split('?');
  const sourceIp = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const forwardedFor = [request.headers['x-forwarded-for'] ?? [], sourceIp].flat().join(', ');
  return {
    host: request.headers.host ?? '',
    stageName: stageNameOfPath(path),
    headers: [
      ...clientHeaders(request.rawHeaders),
      ['X-Amzn-Trace-Id', traceId],
      ['X-Forwarded-For', forwardedFor],
      // The client of an API on AWS always comes over TLS on this port.
      ['X-Forwarded-Port', '443'],
      ['X-Forwarded-Proto', 'https'],
    ],
    query: [...new URLSearchParams(queryParts.join('?'))],
    sourceIp,
    userAgent: request.headers['user-agent'],
  };
}

function clientHeaders(rawHeaders: readonly string[]): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    const lowerName = name.toLowerCase();
    if (!UPGRADE_HEADERS.has(lowerName) && !OWN_HEADERS.has(lowerName)) headers.push([name, value]);
  }
  return headers;
}

const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Returns what is wrong with the request as a WebSocket handshake (RFC 6455, section 4.2.1), or undefined. */
export function handshakeFault(request: IncomingMessage): string | undefined {
  if (request.method !== 'GET') return 'the method of a WebSocket handshake is GET';
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') return 'the Upgrade header must be websocket';
  if (!WEBSOCKET_KEY.test(request.headers['sec-websocket-key'] ?? '')) return 'Sec-WebSocket-Key is missing or invalid';
  if (request.headers['sec-websocket-version'] !== '13') return 'Sec-WebSocket-Version must be 13';
  return undefined;
}
