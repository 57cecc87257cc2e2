import type { WebSocketConstructor, WebSocketLike } from '../../client/index.ts';

/** As a browser tells that a connection ended without a closing handshake. */
const ABNORMAL = { code: 1006, reason: '', wasClean: false } as const;

/** Makes the page's own connections fail as they do when a network goes away. */
export interface NetworkSwitch {
  /** For `connect`. */
  readonly webSocket: WebSocketConstructor;
  readonly isCut: boolean;
  /** Ends the connections there are, and lets new ones fail. */
  cut(): void;
  /** Lets connections through again, and says so as a browser does. */
  restore(): void;
}

type Listener = ((event: unknown) => void) | null;

export function createNetworkSwitch(): NetworkSwitch {
  let isCut = false;
  const connections = new Set<SwitchedSocket>();

  class SwitchedSocket implements WebSocketLike {
    onopen: unknown = null;
    onmessage: unknown = null;
    onclose: unknown = null;
    onerror: unknown = null;
    readonly #socket: WebSocket | undefined;

    constructor(url: string, protocols: string[]) {
      if (isCut) {
        // Not before whoever opens it can listen.
        setTimeout(() => this.#fail());
        return;
      }
      connections.add(this);
      this.#socket = new WebSocket(url, protocols);
      this.#socket.onopen = (event) => this.#tell(this.onopen, event);
      this.#socket.onmessage = (event) => this.#tell(this.onmessage, event);
      this.#socket.onerror = (event) => this.#tell(this.onerror, event);
      this.#socket.onclose = (event) => {
        connections.delete(this);
        this.#tell(this.onclose, event);
      };
    }

    send(text: string): void {
      this.#socket?.send(text);
    }

    close(code?: number, reason?: string): void {
      this.#socket?.close(code, reason);
    }

    /** What is on its way in either direction may or may not arrive, as ever. */
    cut(): void {
      const socket = this.#socket;
      if (!socket) return;
      connections.delete(this);
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
      socket.close();
      this.#fail();
    }

    #fail(): void {
      this.#tell(this.onerror, {});
      this.#tell(this.onclose, ABNORMAL);
    }

    #tell(listener: unknown, event: unknown): void {
      (listener as Listener)?.(event);
    }
  }

  return {
    webSocket: SwitchedSocket,
    get isCut() {
      return isCut;
    },
    cut: () => {
      isCut = true;
      for (const connection of [...connections]) connection.cut();
    },
    restore: () => {
      isCut = false;
      dispatchEvent(new Event('online'));
    },
  };
}
