import type { WebSocketConstructor, WebSocketLike } from '../../client/index.ts';

/** The close code of browsers for a connection without a closing handshake. */
const ABNORMAL = { code: 1006, reason: '', wasClean: false } as const;

/** Makes the page's connections fail as in a network failure. */
export interface NetworkSwitch {
  /** For `connect`. */
  readonly webSocket: WebSocketConstructor;
  readonly isCut: boolean;
  /** Ends all connections, and makes new ones fail. */
  cut(): void;
  /** Allows connections again, and fires the browser's event. */
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
        // Wait until the opener can listen.
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

    /** Frames under way may or may not arrive, as in a real failure. */
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
