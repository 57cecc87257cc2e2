import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { createFrameFilter, filterFrames } from './frames.ts';
import type { HeldSocket } from './held-socket.ts';
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from './limits.ts';

/** Completes a held handshake with 101. Undefined when the client has just gone. */
export type Accept = (
  request: IncomingMessage,
  held: HeldSocket,
  subprotocol: string | undefined,
) => WebSocket | undefined;

const NO_HEAD = Buffer.alloc(0);

/** ws without extensions, and with a subprotocol only where the `$connect` function gave one. */
export function createAccept(): Accept {
  const subprotocols = new WeakMap<IncomingMessage, string>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  server.on('headers', (headers, request) => {
    const subprotocol = subprotocols.get(request);
    if (subprotocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  });
  return (request, held, subprotocol) => {
    if (subprotocol !== undefined) subprotocols.set(request, subprotocol);
    // ws would choose a subprotocol by itself, which API Gateway never does.
    delete request.headers['sec-websocket-protocol'];
    const { socket, head } = held.release();
    const filtered = filterFrames(socket, head, createFrameFilter(MAX_FRAME_BYTES));
    let accepted: WebSocket | undefined;
    server.handleUpgrade(request, filtered, NO_HEAD, (webSocket) => {
      accepted = webSocket;
    });
    return accepted;
  };
}
