import type { RawData, WebSocket } from 'ws';
import type { Cancel } from '../clock.ts';
import { NO_STATUS } from './accept.ts';
import type { ConnectionFacts, Ending } from './events.ts';
import type { Gateway } from './gateway.ts';
import { watchLifetime } from './lifetime.ts';
import { CLIENT_BUFFER_BYTES } from './limits.ts';

/** A connection. For the service it closes at once, even if the client takes its time. */
export interface Connection {
  readonly facts: ConnectionFacts;
  /** The time of the last data message, in either direction. */
  lastActiveAtMs(): number;
  /**
   * Sends a text message, unless the connection is closed. Returns false, and sends nothing, if the client does not read
   * earlier messages.
   */
  send(text: string): boolean;
  /** Closes the connection from the server's side, unless it is closed. */
  close(ending: Ending): void;
  /** Blocks both directions from now on, without telling either side: the wire is dead, as after a lost Wi-Fi. */
  swallow(): void;
  /** Breaks the TCP connection. The shutdown uses it if the client does not answer. */
  terminate(): void;
}

export interface ConnectionEvents {
  message(text: string): void;
  /** Called once. `isClean` is false for a loss without a close frame. */
  closed(ending: Ending, isClean: boolean): void;
  /** Called once, when the socket has ended. */
  gone(): void;
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const ABNORMAL_CLOSURE = 1006;
const UNSUPPORTED_DATA = { statusCode: 1003, reason: '' };
/** Captured from AWS, for the idle timeout. */
const GOING_AWAY = { statusCode: 1001, reason: 'Going away' };
const NO_STATUS_REASON = 'Client-side close frame status not set';

/** Serves an accepted WebSocket until it ends. */
export function openConnection(
  gateway: Gateway,
  facts: ConnectionFacts,
  socket: WebSocket,
  events: ConnectionEvents,
): Connection {
  return new OpenConnection(gateway, facts, socket, events);
}

class OpenConnection implements Connection {
  readonly facts: ConnectionFacts;
  readonly #gateway: Gateway;
  readonly #socket: WebSocket;
  readonly #events: ConnectionEvents;
  readonly #cancelLifetime: Cancel;
  #isOpen = true;
  #isSwallowing = false;
  #lastActiveAtMs: number;

  constructor(gateway: Gateway, facts: ConnectionFacts, socket: WebSocket, events: ConnectionEvents) {
    this.facts = facts;
    this.#gateway = gateway;
    this.#socket = socket;
    this.#events = events;
    this.#lastActiveAtMs = gateway.clock.now();
    this.#cancelLifetime = watchLifetime(
      gateway.clock,
      facts.connectedAtMs,
      () => this.#lastActiveAtMs,
      () => this.close(GOING_AWAY),
    );
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    // As on AWS, a close frame ends the connection, whenever TCP ends.
    socket.on('closing', (statusCode: number, reason: string) => this.#endBy(statusCode, reason));
    socket.on('close', (statusCode, reason) => {
      this.#endBy(statusCode, reason.toString());
      events.gone();
    });
    // ws answers a protocol error with a close frame.
    socket.on('error', () => {});
  }

  lastActiveAtMs(): number {
    return this.#lastActiveAtMs;
  }

  send(text: string): boolean {
    if (!this.#isOpen || this.#isSwallowing || this.#isCut('out')) return true;
    if (this.#socket.bufferedAmount + Buffer.byteLength(text) > CLIENT_BUFFER_BYTES) return false;
    this.#lastActiveAtMs = this.#gateway.clock.now();
    this.#socket.send(text);
    return true;
  }

  close(ending: Ending): void {
    if (!this.#isOpen) return;
    this.#end(ending, true);
    this.#socket.close(ending.statusCode, ending.reason);
  }

  swallow(): void {
    this.#isSwallowing = true;
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.#isOpen || this.#isSwallowing || this.#isCut('in')) return;
    if (isBinary) {
      this.close(UNSUPPORTED_DATA);
      return;
    }
    this.#lastActiveAtMs = this.#gateway.clock.now();
    this.#events.message(data.toString());
  }

  /** Ends the connection by a close frame or the end of the socket, unless it has already ended. */
  #endBy(statusCode: number, reason: string): void {
    this.#end(
      { statusCode, reason: statusCode === NO_STATUS ? NO_STATUS_REASON : reason },
      statusCode !== ABNORMAL_CLOSURE,
    );
  }

  #end(ending: Ending, isClean: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelLifetime();
    this.#events.closed(ending, isClean);
  }

  #isCut(direction: 'in' | 'out'): boolean {
    const { connectionId, stage } = this.facts;
    const subject = { direction, connectionId, apiId: stage.api.apiId, stage: stage.stageName };
    const isCut = this.#gateway.faults.strike('socket', subject)?.kind === 'cut';
    if (isCut) this.#socket.terminate();
    return isCut;
  }
}
