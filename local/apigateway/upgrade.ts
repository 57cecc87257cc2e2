import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createAccept } from './accept.ts';
import type { Connections } from './connections.ts';
import { errorFrame } from './error-frame.ts';
import { type Gateway, logFailure } from './gateway.ts';
import { decideHandshake, type HandshakeOutcome, type Rejection, reject } from './handshake.ts';
import { type HandshakeRequest, handshakeFault, readHandshakeRequest } from './handshake-request.ts';
import { type HeldSocket, holdSocket } from './held-socket.ts';
import { MAX_URL_CHARS } from './limits.ts';
import { type Apis, findStage, type Stage } from './model.ts';

/** Answers upgrade requests. It holds each until the decision. */
export interface Upgrades {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Refuses all held requests. */
  close(): void;
}

interface Pending {
  readonly request: IncomingMessage;
  readonly socket: HeldSocket;
  readonly connectionId: string;
  readonly requestId: string;
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestException',
  401: 'UnauthorizedException',
  403: 'ForbiddenException',
  414: 'RequestUriTooLongException',
  429: 'LimitExceededException',
  500: 'InternalServerErrorException',
  502: 'InternalServerErrorException',
  503: 'ServiceUnavailableException',
  504: 'IntegrationTimeoutException',
};

export function createUpgrades(gateway: Gateway, apis: Apis, connections: Connections): Upgrades {
  const accept = createAccept();
  const held = new Set<Pending>();

  const conclude = ({ request, socket }: Pending, { verdict, facts }: HandshakeOutcome): void => {
    if (verdict.kind !== 'accept') return;
    const webSocket = socket.gone.aborted ? undefined : accept(request, socket, verdict.subprotocols ?? []);
    if (webSocket === undefined) connections.abandon(facts);
    else connections.open(facts, webSocket);
  };
  const answer = async (pending: Pending): Promise<void> => {
    const { connectionId, requestId } = pending;
    const { gone } = pending.socket;
    const request = readHandshakeRequest(pending.request, gateway.ids.traceId(gateway.clock.now()));
    const found = lookUp(apis, pending.request, request);
    if (found.kind === 'reject') return refuse(pending, found);
    const { stage } = found;
    const outcome = await decideHandshake(gateway, { stage, request, connectionId, requestId, gone });
    if (gateway.stopping.aborted) return;
    if (outcome.verdict.kind === 'reject') refuse(pending, outcome.verdict);
    else conclude(pending, outcome);
  };
  return {
    handle: (request, socket, head) => {
      const heldSocket = holdSocket(socket, head);
      const pending = { request, socket: heldSocket, connectionId: gateway.ids.next(), requestId: gateway.ids.next() };
      held.add(pending);
      answer(pending)
        .catch((error: unknown) => {
          logFailure(gateway, 'a handshake')(error);
          refuse(pending, reject(500));
        })
        .finally(() => held.delete(pending));
    },
    close: () => {
      for (const pending of held) refuse(pending, reject(503));
    },
  };
}

function lookUp(
  apis: Apis,
  request: IncomingMessage,
  { host, stageName }: HandshakeRequest,
): { readonly kind: 'found'; readonly stage: Stage } | Rejection {
  const fault = handshakeFault(request);
  if (fault !== undefined) return { kind: 'reject', statusCode: 400, message: fault };
  if ((request.url ?? '').length > MAX_URL_CHARS) return reject(414);
  if (stageName === undefined) return reject(403);
  const lookup = findStage(apis, host, stageName);
  switch (lookup.kind) {
    case 'found':
      return lookup;
    case 'unknown':
      return reject(403);
    case 'ambiguous':
      return { kind: 'reject', statusCode: 421, message: lookup.message };
  }
}

function refuse({ socket, connectionId, requestId }: Pending, { statusCode, message }: Rejection): void {
  const headers = {
    'Content-Type': 'application/json',
    'x-amzn-RequestId': requestId,
    ...(statusCode in ERROR_TYPES && { 'x-amzn-ErrorType': ERROR_TYPES[statusCode] }),
  };
  socket.reject(statusCode, headers, errorFrame(message, connectionId, requestId));
}
