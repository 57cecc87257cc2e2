import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { build } from 'esbuild';

/** A local page with the client alone. */
export interface ClientPage {
  readonly url: string;
  /** The same page in a sandboxed frame: without an origin and without storage. */
  readonly sandboxedUrl: string;
  close(): Promise<void>;
}

/**
 * Bundles the page as applications do: each part that the client loads late is a file of its own.
 * @param issueToken Issues the token with these claims that the page's server returns to the client.
 */
export async function serveClientPage(issueToken: (claims: { sub: string }) => Promise<string>): Promise<ClientPage> {
  const directory = await mkdtemp(join(tmpdir(), 'beckon-client-page-'));
  await build({
    entryPoints: ['test/fixtures/client-page/main.js'],
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
  });
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '/').slice(1);
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (path === 'token') {
      response.end(await issueToken((await json(request)) as { sub: string }));
      return;
    }
    const isSandboxed = path === 'sandboxed';
    if (path === '' || isSandboxed) {
      if (isSandboxed) response.setHeader('Content-Security-Policy', 'sandbox allow-scripts');
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>');
      return;
    }
    response.setHeader('Content-Type', 'text/javascript');
    response.end(await readFile(join(directory, path)));
  });
  const url = `http://127.0.0.1:${await listen(server)}/`;
  const close = async () => {
    await stop(server);
    await rm(directory, { recursive: true });
  };
  return { url, sandboxedUrl: `${url}sandboxed`, close };
}

/** A relay to a port, which a test can cut. */
export interface Way {
  readonly port: number;
  /** Breaks every connection, and refuses new ones. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function openWay(to: number): Promise<Way> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createTcpServer((socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    const onward = connect(to, '127.0.0.1');
    for (const [end, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(end);
      end.on('error', () => other.destroy());
      end.on('close', () => {
        sockets.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  });
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: await listen(server),
    cut,
    mend: () => {
      isCut = false;
    },
    close: () => {
      cut();
      return stop(server);
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
