import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { MAX_MESSAGE_BYTES } from './limits.ts';

/** A client's socket between its upgrade request and the answer, while the authorizer and `$connect` run. */
export interface HeldSocket {
  /** Aborts when the client goes away. */
  readonly gone: AbortSignal;
  /** Answers with an HTTP error and closes, unless the client has left. */
  reject(statusCode: number, headers: Readonly<Record<string, string>>, body: string): void;
  /** Returns the socket, paused, with the bytes that the client sent before the answer. */
  release(): { readonly socket: Duplex; readonly head: Buffer };
}

/**
 * Holds `socket`, and reads from it: only a read shows that a client has left. Cuts off a client that sends more than the
 * size of a message before the answer.
 */
export function holdSocket(socket: Duplex, head: Buffer): HeldSocket {
  const early: Buffer[] = [head];
  let earlyBytes = head.length;
  const gone = new AbortController();
  const leave = (): void => {
    socket.destroy();
    gone.abort();
  };
  const read = (chunk: Buffer): void => {
    early.push(chunk);
    earlyBytes += chunk.length;
    if (earlyBytes > MAX_MESSAGE_BYTES) leave();
  };
  socket.on('data', read).on('end', leave).on('error', leave).on('close', leave);
  const letGo = (): void => void socket.off('data', read).off('end', leave).off('error', leave).off('close', leave);
  return {
    gone: gone.signal,
    reject: (statusCode, headers, body) => {
      if (gone.signal.aborted) return;
      letGo();
      socket.on('error', () => socket.destroy());
      socket.end(httpResponse(statusCode, headers, body), () => socket.destroy());
    },
    release: () => {
      letGo();
      socket.pause();
      return { socket, head: Buffer.concat(early) };
    },
  };
}

function httpResponse(statusCode: number, headers: Readonly<Record<string, string>>, body: string): string {
  const all = { ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
