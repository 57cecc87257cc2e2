import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The two ends of a TCP connection, half-open when one of them ends, as those of an HTTP server are. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [near]: Socket[] = await once(server, 'connection');
  server.close();
  if (near === undefined) throw new Error('no connection');
  return [near, far];
}
