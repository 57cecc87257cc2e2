import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Creates the two ends of a TCP connection, which stays half-open when one end closes, as with an HTTP server. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [near]: Socket[] = await once(server, 'connection');
  server.close();
  if (near === undefined) throw new Error('the server accepted no connection');
  return [near, far];
}
