import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { logInternalError } from '../log.ts';
import type { Log } from '../service.ts';
import type { ServeStandIn } from '../trust.ts';
import type { AwsApi } from './aws-api.ts';
import { CONTROL_PATH, type Control } from './control.ts';
import type { Hosts } from './hosts.ts';
import { sendJson, splitTarget } from './http.ts';
import type { StaticFiles } from './static-files.ts';

/** The address of all services: reachable from this machine only. */
export const HOST = '127.0.0.1';

/** The handlers of the one port. */
export interface Handlers {
  readonly control: Control;
  readonly aws: AwsApi;
  /** WebSocket handshakes. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers plain HTTP to a stage of an API. Returns false if the stage does not exist. */
  stage(request: IncomingMessage, response: ServerResponse): boolean;
  readonly files: StaticFiles | undefined;
  /** Answers instead of another issuer. */
  readonly standIn?: ServeStandIn | undefined;
  /** Logs failures of the local cloud itself. */
  readonly log: Log;
}

/** The HTTP server. Until it has handlers it answers 503. */
export interface Front {
  readonly port: number;
  serve(handlers: Handlers): void;
  /** Closes all connections and the port. */
  close(): Promise<void>;
}

/**
 * Listens on `port`, or on any free one if it is 0.
 * @param hosts The host names to answer.
 * @throws Error with a remedy if the port is taken
 */
export async function openFront(port: number, hosts: Hosts): Promise<Front> {
  let handlers: Handlers | undefined;
  const server = createServer((request, response) => {
    if (handlers?.standIn?.(request, response)) return;
    const problem = hosts.aws(request);
    if (problem !== undefined) return sendJson(response, 403, { message: problem });
    if (!handlers)
      return sendJson(response, 503, { message: 'the local cloud is still starting' }, { 'retry-after': '1' });
    const { log } = handlers;
    route(handlers, hosts, request, response).catch((error: unknown) => fail(error, response, log));
  });
  // SDK clients keep connections open. Closing idle ones would race with their next request.
  server.keepAliveTimeout = 0;
  server.on('upgrade', (request, socket, head) => {
    const problem = hosts.aws(request);
    if (problem !== undefined) refuseUpgrade(socket, '403 Forbidden', problem);
    else if (handlers) handlers.upgrade(request, socket, head);
    else refuseUpgrade(socket, '503 Service Unavailable', 'the local cloud is still starting');
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    serve(ready) {
      handlers = ready;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function refuseUpgrade(socket: Duplex, status: string, message: string): void {
  const body = `${JSON.stringify({ message })}\n`;
  const headers = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  socket.end([`HTTP/1.1 ${status}`, ...headers, '', body].join('\r\n'));
}

async function route(
  handlers: Handlers,
  hosts: Hosts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { path } = splitTarget(request.url);
  // Host names of AWS lead to AWS's paths only.
  const problem = hosts.own(request);
  if (path.startsWith(`${CONTROL_PATH}/`)) {
    if (problem !== undefined) return sendJson(response, 403, { message: problem });
    return handlers.control(request, response);
  }
  if (handlers.aws.isFor(request)) return handlers.aws.handle(request, response);
  if (handlers.stage(request, response)) return;
  if (problem === undefined && (await handlers.files?.(request, response))) return;
  const message = `nothing is at ${path}: it is no stage of an API, no file, and no signed AWS request`;
  sendJson(response, 404, { message });
}

function fail(error: unknown, response: ServerResponse, log: Log): void {
  const message = logInternalError(log, 'front', error);
  if (response.headersSent) response.destroy();
  else sendJson(response, 500, { message });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, port)));
    server.listen(port, HOST, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    const todo = 'stop that program, or choose another port (--port, or the option "port"; 0 takes any free one)';
    return new Error(`port ${port} is taken by another program: ${todo}`, { cause: error });
  }
  if (error.code === 'EACCES') {
    return new Error(`port ${port} needs special rights; choose one above 1023`, { cause: error });
  }
  return error;
}
