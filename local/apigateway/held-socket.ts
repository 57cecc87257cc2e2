import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { MAX_MESSAGE_BYTES } from './limits.ts';

/** A client's socket between its upgrade request and the answer, which may take an authorizer and `$connect`. */
export interface HeldSocket {
  /** Aborts when the client goes away. */
  readonly gone: AbortSignal;
  /** Answers with an HTTP error and closes; does nothing when the client is gone. */
  reject(statusCode: number, headers: Readonly<Record<string, string>>, body: string): void;
  /** Hands the socket over, paused, with the bytes that the client sent without waiting for the answer. */
  release(): { readonly socket: Duplex; readonly head: Buffer };
}

/**
 * Reads from `socket` while it is held: nothing but reading shows that a client has gone away. A client that sends more
 * than a message's worth before the answer is cut off.
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
