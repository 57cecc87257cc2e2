import { createTestServer } from '../../testing/index.ts';
import { describeBehaviours } from './behaviours.ts';

describeBehaviours('the test server', async () => {
  const server = createTestServer();
  return {
    url: server.url,
    webSocket: server.webSocket,
    token: (user, claims) => server.token(user, claims as object),
    client: (user, claims, options) => server.client(user, { ...(claims as object), ...options }),
    serve: (service, to, data) => {
      const sender = server.sender(service);
      return 'user' in to ? sender.sendToUser(to.user, data) : sender.sendToRoom(to.room, data);
    },
    takeAway: (user) => server.disconnect(user),
    bringBack: (user) => server.reconnect(user),
    manage: (event) => server.manage(event),
    close: () => server.close(),
  };
});
