import type { WebSocketLike } from '../client/index.ts';
import { reportError } from './report.ts';

/** The server's end of a socket. */
export interface SocketOwner {
  onText(text: unknown): void;
  /** The client takes leave. */
  onClose(): void;
}

/** A WebSocket within the process. It opens and ends later than the code that asks for it, as every WebSocket does. */
export class TestSocket implements WebSocketLike {
  onopen: unknown = null;
  onmessage: unknown = null;
  onclose: unknown = null;
  onerror: unknown = null;
  #owner: SocketOwner | undefined;
  #isOver = false;

  /** Whether nothing is sent or received any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  send(text: unknown): void {
    if (!this.#isOver) this.#owner?.onText(text);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner?.onClose();
    void Promise.resolve().then(() => this.#tell(this.onclose, { code: 1000 }));
  }

  terminate(): void {
    this.close();
  }

  /** The handshake has succeeded. */
  opened(owner: SocketOwner): void {
    this.#owner = owner;
    this.#tell(this.onopen, {});
  }

  /** The handshake was refused with this HTTP status, which the package `ws` tells in the same words. */
  refused(status: number): void {
    this.#isOver = true;
    this.#tell(this.onerror, { message: `Unexpected server response: ${status}` });
    this.#tell(this.onclose, { code: 1006 });
  }

  receive(text: string): void {
    if (!this.#isOver) this.#tell(this.onmessage, { data: text });
  }

  /** The connection has ended without the client: nothing arrives any more, and the client learns of it a little later. */
  ended(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void Promise.resolve().then(() => this.#tell(this.onclose, { code }));
  }

  #tell(listener: unknown, event: object): void {
    try {
      if (typeof listener === 'function') listener.call(this, event);
    } catch (error) {
      reportError(error);
    }
  }
}
