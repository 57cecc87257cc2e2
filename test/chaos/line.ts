import { WebSocket } from 'ws';
import type { WebSocketConstructor } from '../../client/index.ts';
import type { Record } from './record.ts';

/** The network of one device. The run can break its connections, or take it away and restore it. */
export interface Line {
  readonly isUp: boolean;
  /** Opens the sockets of a session's client. */
  webSocketFor(session: string): WebSocketConstructor;
  /** Breaks every connection, without a close frame. */
  cut(): void;
  goAway(): void;
  comeBack(): void;
  /** The number of the socket that first brought a message to a session; 0 if none did. */
  socketOf(session: string, messageId: string): number;
}

/** An address without a server. */
const NOWHERE = 'ws://127.0.0.1:1';

let sockets = 0;

export function createLine(record: Record): Line {
  const open = new Set<WebSocket>();
  const cameOver = new Map<string, number>();
  let isUp = true;

  const watch = (session: string, socket: WebSocket) => {
    sockets += 1;
    const number = sockets;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('message', (data) => {
      const { type, connectionId, messages = [] } = readFrame(data.toString());
      if (type === 'registered' && connectionId) record.add({ type: 'socket', socket: number, session, connectionId });
      for (const { id } of messages) {
        const message = `${session} ${id}`;
        if (!cameOver.has(message)) cameOver.set(message, number);
      }
    });
  };
  const cut = () => {
    for (const socket of open) socket.terminate();
  };
  return {
    get isUp() {
      return isUp;
    },
    webSocketFor: (session) =>
      class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(isUp ? url : NOWHERE, protocols);
          watch(session, this);
        }
      },
    cut,
    goAway() {
      isUp = false;
      cut();
    },
    comeBack() {
      isUp = true;
    },
    socketOf: (session, messageId) => cameOver.get(`${session} ${messageId}`) ?? 0,
  };
}

interface Frame {
  readonly type?: string;
  readonly connectionId?: string;
  readonly messages?: readonly { readonly id: string }[];
}

function readFrame(text: string): Frame {
  return JSON.parse(text);
}
