import type { WebSocketConstructor } from '../../client/index.ts';
import { offeredSubprotocols } from '../../protocol/index.ts';
import type { Frame } from './wire-frames.ts';

/** A connection over which a test sends frames of its own, whatever the WebSocket. */
export interface RawClient {
  /** Every frame received so far. */
  readonly frames: readonly Frame[];
  /** Sends a frame with a fresh id. Resolves with the reply. */
  ask(frame: Frame): Promise<Frame>;
  /** Sends any text or bytes. */
  send(content: string | Uint8Array): void;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  close(): void;
}

/** Opens a connection. Rejects with the words of the WebSocket when the handshake is refused. */
export async function openRaw(
  { url, webSocket }: { readonly url: string; readonly webSocket: WebSocketConstructor },
  token: string,
): Promise<RawClient> {
  const socket = new webSocket(url, [...offeredSubprotocols(token)]);
  const frames: Frame[] = [];
  const waiting = new Map<unknown, (reply: Frame) => void>();
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    const frame: Frame = JSON.parse(String(data));
    frames.push(frame);
    waiting.get(frame['id'])?.(frame);
  };
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }: { readonly code: number }) => resolve(code);
  });
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = ({ message }: { readonly message: string }) => reject(new Error(message));
  });
  let asked = 0;
  return {
    frames,
    closed,
    ask: (frame) => {
      asked += 1;
      const id = `ask-${asked}`;
      const reply = new Promise<Frame>((resolve) => waiting.set(id, resolve));
      socket.send(JSON.stringify({ ...frame, id }));
      return reply;
    },
    send: (content) => socket.send(content as string),
    close: () => socket.close(),
  };
}
