import { createServer, STATUS_CODES } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxyOptions {
  /** The status for each handshake, in order; `undefined` lets it through. Default: refuses none. */
  readonly refuse?: readonly (number | undefined)[];
}

export interface Proxy {
  readonly url: string;
  /** From now on drops everything on the open connections, without notice. */
  swallow(): void;
  stop(): Promise<void>;
}

/** Starts a proxy such as offices have: it may answer handshakes itself, and may silently drop connections. */
export async function startProxy(port: number, { refuse = [] }: ProxyOptions = {}): Promise<Proxy> {
  const statuses = [...refuse];
  const tunnels = new Set<[Socket, Socket]>();
  const http = createServer((_, response) => response.writeHead(426).end());
  http.on('upgrade', (request, downstream: Socket, head) => {
    downstream.on('error', () => {});
    const status = statuses.shift();
    if (status !== undefined) {
      downstream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    const tunnel: [Socket, Socket] = [downstream, upstream];
    tunnels.add(tunnel);
    const headers = request.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1]}\r\n`] : [],
    );
    upstream.write(`GET ${request.url} HTTP/1.1\r\n${headers.join('')}\r\n`);
    upstream.write(head);
    downstream.pipe(upstream).pipe(downstream);
    for (const socket of tunnel) {
      socket.on('error', () => {});
      socket.on('close', () => tunnels.delete(tunnel));
    }
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/prod`,
    swallow: () => {
      for (const [downstream, upstream] of tunnels) {
        downstream.unpipe();
        upstream.unpipe();
        downstream.resume();
        upstream.resume();
      }
    },
    stop: () => {
      for (const socket of [...tunnels].flat()) socket.destroy();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
}
