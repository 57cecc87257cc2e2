import { WebSocket } from 'ws';
import { type ConnectOptions, connect, type Gap } from '../../client/index.ts';
import type { LocalCloud } from '../../local/index.ts';
import { deferred } from './deferred.ts';
import { eventually } from './eventually.ts';

/** Opens a user's device: a client whose connection the test can cut and restore. */
export function openDevice(cloud: LocalCloud, userId: string, options: Partial<ConnectOptions> = {}) {
  const sockets: WebSocket[] = [];
  let admitted = Promise.resolve();
  const { getToken = () => cloud.token({ sub: userId }) } = options;
  const client = connect({
    url: cloud.websocketUrl,
    webSocket: class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    },
    minBackoffMs: 20,
    maxBackoffMs: 50,
    ...options,
    getToken: async (request) => {
      await admitted;
      return getToken(request);
    },
  });
  const received: unknown[] = [];
  const gaps: Gap[] = [];
  client.on('message', ({ data }) => received.push(data));
  client.on('gap', (gap) => gaps.push(gap));
  return {
    client,
    received,
    gaps,
    connected: () => eventually(() => client.state.status).toBe('connected'),
    /** Cuts the connection. The returned function lets the device reconnect. */
    takeAway: () => {
      const back = deferred();
      admitted = back.promise;
      sockets.at(-1)?.terminate();
      return back.resolve;
    },
  };
}
