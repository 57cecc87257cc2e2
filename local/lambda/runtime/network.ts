import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';

/**
 * Makes the local cloud all of AWS for this thread: a TLS connection to `*.amazonaws.com:443` becomes a plain TCP connection
 * to `endpoint`, and so does one to `hostsHere` (each `name:port`). The request itself, with its `Host` header and
 * signature, stays the same, so handlers need no endpoint settings. Connections to other hosts do not change.
 *
 * `node:https`, `fetch` and the AWS SDK's clients all use `tls.connect`.
 */
export function routeToCloud(
  endpoint: { readonly host: string; readonly port: number },
  hostsHere: readonly string[],
): void {
  const connectSecurely = tls.connect as (...args: unknown[]) => tls.TLSSocket;
  const connect = (...args: unknown[]): net.Socket => {
    const { options, onSecureConnect } = normalize(args);
    if (options.socket || !(isAws(options) || hostsHere.includes(nameOf(options)))) return connectSecurely(...args);
    const socket = net.connect({ ...endpoint, noDelay: true });
    // The members of a TLS socket that callers use.
    Object.assign(socket, { encrypted: true, authorized: true, alpnProtocol: false });
    if (onSecureConnect) socket.once('secureConnect', onSecureConnect);
    socket.once('connect', () => socket.emit('secureConnect'));
    if (wantsOnlyHttp2(options))
      socket.destroy(new Error(`the local cloud does not support HTTP/2 to ${options.host}`));
    return socket;
  };
  Object.assign(tls, { connect });
  syncBuiltinESMExports();
}

/** `tls.connect(options, callback?)`, `(port, host?, options?, callback?)`. */
function normalize(args: readonly unknown[]): { options: tls.ConnectionOptions; onSecureConnect?: () => void } {
  const options: tls.ConnectionOptions = {};
  for (const arg of args) {
    if (typeof arg === 'object' && arg !== null) Object.assign(options, arg);
    else if (typeof arg === 'number') options.port = arg;
    else if (typeof arg === 'string') options.host = arg;
  }
  const last = args.at(-1);
  return typeof last === 'function' ? { options, onSecureConnect: last as () => void } : { options };
}

function isAws(options: tls.ConnectionOptions): boolean {
  return nameOf(options).endsWith('.amazonaws.com:443');
}

function nameOf({ servername, host, port = 443 }: tls.ConnectionOptions): string {
  return `${servername || host || ''}:${port}`;
}

function wantsOnlyHttp2({ ALPNProtocols }: tls.ConnectionOptions): boolean {
  return Array.isArray(ALPNProtocols) && ALPNProtocols.length === 1 && ALPNProtocols[0] === 'h2';
}
