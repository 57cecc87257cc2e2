import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { inject } from 'vitest';
import { WebSocket } from 'ws';
import { connect } from '../../client/index.ts';
import { startLocalCloud } from '../../local/index.ts';
import type { SendResult } from '../../protocol/index.ts';
import { createManageClient } from '../../server/aws/manage-client.ts';
import { describeBehaviours, type System } from '../contract/behaviours.ts';
import { type Deferred, deferred } from '../support/deferred.ts';
import { adminClient } from '../support/local-cloud.ts';

// What `test/contract/test-server.test.ts` shows of the test server, for the synthesized application.

describeBehaviours('the synthesized application', async () => {
  const cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';
  const lambda = new LambdaClient(adminClient(cloud));
  const sockets: { readonly user: string; readonly socket: WebSocket }[] = [];
  const away = new Map<string, Deferred<void>>();
  const token: System['token'] = (sub, { expiresInSeconds, ...claims } = {}) =>
    cloud.token({
      sub,
      ...claims,
      ...(expiresInSeconds !== undefined && { exp: Math.floor(Date.now() / 1000) + expiresInSeconds }),
    });
  return {
    url: cloud.websocketUrl,
    webSocket: WebSocket,
    token,
    client: (user, claims, options) =>
      connect({
        url: cloud.websocketUrl,
        minBackoffMs: 20,
        maxBackoffMs: 50,
        webSocket: class extends WebSocket {
          constructor(url: string, protocols: string[]) {
            super(url, protocols);
            sockets.push({ user, socket: this });
          }
        },
        getToken: async () => {
          await away.get(user)?.promise;
          return token(user, claims);
        },
        ...options,
      }),
    async serve(service, to, data) {
      const command = new InvokeCommand({
        FunctionName: output('SendFunctionName'),
        Payload: JSON.stringify({ to, data, service }),
      });
      const { Payload } = await lambda.send(command);
      const { results } = JSON.parse(Payload?.transformToString() ?? '') as { readonly results: [SendResult] };
      return results[0];
    },
    takeAway(user) {
      away.set(user, deferred());
      for (const each of sockets) if (each.user === user) each.socket.terminate();
    },
    bringBack(user) {
      away.get(user)?.resolve();
      away.delete(user);
    },
    manage: (event) => createManageClient(output('ManageFunctionName'), adminClient(cloud))(event),
    close: () => cloud.close(),
  };
});
