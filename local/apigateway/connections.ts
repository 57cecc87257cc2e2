import type { WebSocket } from 'ws';
import { type Connection, openConnection } from './connection.ts';
import { announceDisconnect } from './disconnect.ts';
import { dispatchMessage } from './dispatch.ts';
import type { ConnectionFacts, Ending } from './events.ts';
import { type Gateway, logFailure } from './gateway.ts';

/** The connections of all APIs. */
export interface Connections {
  open(facts: ConnectionFacts, webSocket: WebSocket): void;
  /** Runs `$disconnect` for a connection that `$connect` accepted after its client had left. */
  abandon(facts: ConnectionFacts): void;
  /** Returns a connection. Undefined until `$connect` has completed, and after the connection has closed. */
  find(connectionId: string): Connection | undefined;
  /** Closes all connections with 1001. Resolves when all sockets have ended. */
  close(): Promise<void>;
}

/** RFC 6455, section 7.1.5. */
const ABNORMAL_CLOSURE = { statusCode: 1006, reason: '' };
const SHUTDOWN = { statusCode: 1001, reason: 'Going away' };
/** The wall-clock time for clients to answer the close frame of the shutdown. */
const SHUTDOWN_GRACE_MS = 500;

export function createConnections(gateway: Gateway): Connections {
  const open = new Map<string, Connection>();
  /** The open connections, and closed ones whose sockets still exist. */
  const alive = new Set<Connection>();
  let whenNoneIsAlive: () => void = () => undefined;

  const disconnect = (facts: ConnectionFacts, ending: Ending, isClean: boolean): void => {
    announceDisconnect(gateway, facts, ending, isClean).catch(logFailure(gateway, '$disconnect'));
  };
  return {
    open: (facts, webSocket) => {
      const connection = openConnection(gateway, facts, webSocket, {
        message: (text) => {
          dispatchMessage(gateway, connection, text).catch(logFailure(gateway, 'dispatching a message'));
        },
        closed: (ending, isClean) => {
          open.delete(facts.connectionId);
          disconnect(facts, ending, isClean);
        },
        gone: () => {
          alive.delete(connection);
          if (alive.size === 0) whenNoneIsAlive();
        },
      });
      open.set(facts.connectionId, connection);
      alive.add(connection);
    },
    abandon: (facts) => disconnect(facts, ABNORMAL_CLOSURE, false),
    find: (connectionId) => open.get(connectionId),
    close: async () => {
      const allGone = new Promise<void>((resolve) => {
        whenNoneIsAlive = resolve;
        if (alive.size === 0) resolve();
      });
      for (const connection of open.values()) connection.close(SHUTDOWN);
      const timer = setTimeout(() => {
        for (const connection of alive) connection.terminate();
      }, SHUTDOWN_GRACE_MS);
      await allGone;
      clearTimeout(timer);
    },
  };
}
