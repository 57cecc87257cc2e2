import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

export interface TestClientOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

/** How a handshake was refused. */
export interface Refusal {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A WebSocket client that remembers what it saw. */
export interface TestClient {
  readonly socket: WebSocket;
  /** Rejects when the handshake is refused. */
  readonly opened: Promise<void>;
  /** Rejects when the handshake is accepted. */
  readonly refused: Promise<Refusal>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The messages so far. */
  readonly messages: readonly string[];
  send(message: unknown): void;
  /** The next message that has not been asked for yet. */
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
    socket.once('open', () => reject(new Error('the handshake was accepted')));
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
