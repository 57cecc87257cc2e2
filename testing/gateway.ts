import type { WebSocketConstructor } from '../client/index.ts';
import {
  correlationId,
  ERROR_CODES,
  type ErrorCodeInfo,
  isObject,
  MAX_FRAME_BYTES,
  parseJson,
  parseSubprotocols,
  problem,
  WORDLESS_CODES,
} from '../protocol/index.ts';
import { userAddress } from '../server/address.ts';
import type { Poster } from '../server/sending/posting.ts';
import { actionOf, type Backend } from './backend.ts';
import type { Direction, Holds } from './holds.ts';
import type { Network } from './network.ts';
import { createPipe, type Pipe, type PipeOptions } from './pipe.ts';
import type { Refusal, Refusals } from './refusals.ts';
import { reportError } from './report.ts';
import { TestSocket } from './socket.ts';

const CLOSE_NORMAL = 1000;
const CLOSE_ABNORMAL = 1006;

/** A connection that is open. */
interface Connection {
  readonly connectionId: string;
  readonly userId: string;
  /** What the authorizer has said of it; each event contains it. */
  readonly context: Record<string, string>;
  readonly socket: TestSocket;
  readonly toServer: Pipe;
  readonly toClient: Pipe;
}

/** What API Gateway does: it opens and ends connections, invokes the functions, and posts. */
export interface Gateway {
  readonly poster: Poster;
  /** A WebSocket that connects here, whatever its URL. */
  readonly webSocket: WebSocketConstructor;
  /** The users with an open connection. */
  readonly users: readonly string[];
  /** Begins to serve. */
  start(backend: Backend): void;
  /** Breaks connections off, as a network does that is gone. @param user Default: of everybody */
  breakOff(user?: string): void;
}

export interface GatewayDependencies {
  readonly pipes: Omit<PipeOptions, 'holds'>;
  readonly holds: Holds;
  readonly network: Network;
  readonly refusals: Refusals;
}

export function createGateway({ pipes, holds, network, refusals }: GatewayDependencies): Gateway {
  const connections = new Map<string, Connection>();
  let backend: Backend | undefined;
  let counted = 0;

  const nextId = () => {
    counted += 1;
    return `${counted.toString(36).padStart(11, '0')}=`;
  };
  const pipe = () => createPipe({ ...pipes, holds });
  const carry = ({ userId, ...connection }: Connection, direction: Direction, name: string, deliver: () => void) =>
    connection[direction].carry({ user: userId, direction, name }, deliver);

  /** The connection has ended: the function of `$disconnect` forgets it. */
  function remove({ connectionId, userId }: Connection): void {
    if (!connections.delete(connectionId)) return;
    backend?.end({ address: userAddress(userId), connectionId, userId }).catch(reportError);
  }

  function closeFromHere(connection: Connection, closeCode: number): void {
    remove(connection);
    carry(connection, 'toClient', 'close', () => connection.socket.ended(closeCode));
  }

  async function open(socket: TestSocket, protocols: readonly string[]): Promise<void> {
    if (!backend) return;
    const [token = ''] = parseSubprotocols(protocols.join(',')).tokens;
    const userId = backend.tokens.userOf(token);
    // As in a tunnel: a handshake without a network has no answer.
    await network.reaches(userId);
    const refusal = refusals.take('connect', userId);
    if (refusal) return refuse(socket, statusOf(refusal));
    const multiValueHeaders = { 'Sec-WebSocket-Protocol': [protocols.join(', ')] };
    const decision = await backend.open({ multiValueHeaders });
    if ('status' in decision) return refuse(socket, decision.status);
    // It may have gone meanwhile.
    await network.reaches(userId);
    if (socket.isOver || userId === undefined) return;
    accept({
      ...{ connectionId: nextId(), userId, context: decision.context, socket },
      ...{ toServer: pipe(), toClient: pipe() },
    });
  }

  function refuse(socket: TestSocket, status: number): void {
    if (!socket.isOver) socket.refused(status);
  }

  function accept(connection: Connection): void {
    const { connectionId, socket } = connection;
    connections.set(connectionId, connection);
    socket.opened({
      onText: (text) => {
        const name = typeof text === 'string' ? actionOf(text) : '';
        carry(connection, 'toServer', name, () => void receive(connection, text).catch(reportError));
      },
      onClose: () => carry(connection, 'toServer', 'close', () => remove(connection)),
    });
  }

  async function receive(connection: Connection, text: unknown): Promise<void> {
    const { connectionId, userId, context, socket } = connection;
    if (!backend || !connections.has(connectionId)) return;
    const closeCode = closeCodeFor(text);
    if (closeCode !== undefined) return closeFromHere(connection, closeCode);
    const body = String(text);
    const refusal = refusals.take(actionOf(body), userId);
    const requestContext = { connectionId, routeKey: actionOf(body), requestId: nextId(), authorizer: context };
    const answer = refusal
      ? errorFrame(body, refusal)
      : (await backend.answer({ body, requestContext: { ...requestContext, requestTimeEpoch: pipes.now() } })).body;
    carry(connection, 'toClient', typeOf(answer), () => socket.receive(answer));
  }

  return {
    webSocket: class extends TestSocket {
      constructor(_url: string, protocols: string[] = []) {
        super();
        void Promise.resolve()
          .then(() => open(this, protocols))
          .catch(reportError);
      }
    },
    poster: {
      async post({ connectionId }, frame) {
        const connection = connections.get(connectionId);
        if (!connection) return 'gone';
        const text = JSON.stringify(frame);
        carry(connection, 'toClient', frame.type, () => connection.socket.receive(text));
        return 'sent';
      },
      async close({ connectionId }) {
        const connection = connections.get(connectionId);
        if (!connection) return 'gone';
        closeFromHere(connection, CLOSE_NORMAL);
        return 'sent';
      },
    },
    get users() {
      return [...new Set([...connections.values()].map(({ userId }) => userId))];
    },
    start(started) {
      backend = started;
    },
    breakOff(user) {
      for (const connection of [...connections.values()]) {
        if (user !== undefined && connection.userId !== user) continue;
        remove(connection);
        connection.socket.ended(CLOSE_ABNORMAL);
      }
    },
  };
}

/** With which code the service closes the connection that such a frame comes from; `undefined`: it takes the frame. */
function closeCodeFor(text: unknown): number | undefined {
  if (typeof text !== 'string') return WORDLESS_CODES.binary_not_supported.closeCode;
  return Buffer.byteLength(text) > MAX_FRAME_BYTES ? WORDLESS_CODES.frame_too_large.closeCode : undefined;
}

/** The status of a refused handshake; 500 for codes that refuse none. */
function statusOf({ code }: Refusal): number {
  if (code === 'rate_limited') return 429;
  const { httpStatus = 500 }: Partial<ErrorCodeInfo> = ERROR_CODES[code];
  return httpStatus;
}

function errorFrame(text: string, { code, retryAfterMs }: Refusal): string {
  const json = parseJson(text);
  const id = json.ok ? correlationId(json.value) : undefined;
  const more = { ...(retryAfterMs !== undefined && { retryAfterMs }), ...(id !== undefined && { id }) };
  return JSON.stringify({ type: 'error', ...problem(code), ...more });
}

function typeOf(text: string): string {
  const json = parseJson(text);
  return json.ok && isObject(json.value) ? String(json.value['type']) : '';
}
