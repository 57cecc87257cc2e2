import type { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { createFrameFilter, filterFrames } from './frames.ts';
import type { HeldSocket } from './held-socket.ts';
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from './limits.ts';

/** Completes a held handshake with 101. Returns undefined if the client has just left. */
export type Accept = (
  request: IncomingMessage,
  held: HeldSocket,
  subprotocols: readonly string[],
) => WebSocket | undefined;

const NO_HEAD = Buffer.alloc(0);

/** The status of a close frame without one: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
export const NO_STATUS = 1005;

/** Emits `closing` with the code and the reason of the first close frame, of either side: ws tells of the end of TCP only. */
class ServerSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const isFirst = this.readyState === WebSocket.OPEN;
    super.close(code, reason);
    if (isFirst) this.emit('closing', code ?? NO_STATUS, String(reason ?? ''));
  }
}

/** ws without extensions, and with a subprotocol only if the `$connect` function returned one; with several if it did. */
export function createAccept(): Accept {
  const chosen = new WeakMap<IncomingMessage, readonly string[]>();
  const server = new WebSocketServer({
    noServer: true,
    WebSocket: ServerSocket,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  server.on('headers', (headers, request) => {
    for (const subprotocol of chosen.get(request) ?? []) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  });
  return (request, held, subprotocols) => {
    chosen.set(request, subprotocols);
    // Without this, ws chooses a subprotocol. API Gateway never does.
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
