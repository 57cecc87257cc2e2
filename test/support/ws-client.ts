import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

export interface TestClientOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

/** The server's refusal of a handshake. */
export interface Refusal {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A WebSocket client that records its messages. */
export interface TestClient {
  readonly socket: WebSocket;
  /** Resolves when the connection opens. Rejects when the server refuses the handshake. */
  readonly opened: Promise<void>;
  /** Resolves with the refusal. Rejects when the server accepts the handshake. */
  readonly refused: Promise<Refusal>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The messages received so far. */
  readonly messages: readonly string[];
  send(message: unknown): void;
  /** Resolves with the next message that no earlier call has returned. */
  next(): Promise<string>;
}

export function connectClient(url: string, { headers, protocols = [] }: TestClientOptions = {}): TestClient {
  const socket = new WebSocket(url, [...protocols], { ...(headers && { headers }), perMessageDeflate: true });
  const messages: string[] = [];
  const waiting: ((message: string) => void)[] = [];
  let taken = 0;
  socket.on('message', (data) => {
    messages.push(data.toString());
    const resolve = waiting.shift();
    if (resolve) resolve(messages[taken++] ?? '');
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const refused = new Promise<Refusal>((resolve, reject) => {
    socket.once('open', () => reject(new Error('the server accepted the handshake')));
    socket.once('unexpected-response', (_, response) => readRefusal(response).then(resolve, reject));
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on('error', () => undefined);
  opened.catch(() => undefined);
  refused.catch(() => undefined);
  return {
    socket,
    opened,
    refused,
    closed,
    messages,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: () => {
      const message = messages[taken];
      if (message === undefined) return new Promise((resolve) => waiting.push(resolve));
      taken += 1;
      return Promise.resolve(message);
    },
  };
}

async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    statusCode: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}
