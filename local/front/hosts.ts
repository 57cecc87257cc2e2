import type { IncomingMessage } from 'node:http';

/**
 * Says what is wrong with the name that a request is for, if anything. Any page can have its own name resolve to this machine
 * (DNS rebinding): for the browser, the local cloud would then be that page's own server.
 */
export type HostProblem = (request: Pick<IncomingMessage, 'headers'>) => string | undefined;

/** Which names a request may be for. */
export interface Hosts {
  /** Names of this machine, and those that were allowed. */
  readonly own: HostProblem;
  /** Those, and the names of AWS's own, which functions and SDKs use. */
  readonly aws: HostProblem;
}

/** Names that nobody but AWS can give an address. */
const AWS_NAME = /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/;

/** @param allowed Names besides those of this machine, such as that of a tunnel or of a container's host. */
export function createHosts(allowed: readonly string[]): Hosts {
  const others = new Set(allowed.map((name) => name.toLowerCase()));
  const isOwn = (name: string) => isLoopback(name) || others.has(name);
  const problemUnless =
    (isAllowed: (name: string) => boolean): HostProblem =>
    ({ headers: { host } }) => {
      const name = hostnameOf(host);
      if (name === undefined) return 'the header Host must name the local cloud, such as 127.0.0.1:4600';
      if (isAllowed(name)) return undefined;
      const todo = `use 127.0.0.1 or localhost, or allow the name (--allow-host ${name}, or the option "allowedHosts")`;
      return `the local cloud does not answer as ${name}: ${todo}`;
    };
  return { own: problemUnless(isOwn), aws: problemUnless((name) => isOwn(name) || AWS_NAME.test(name)) };
}

/** Whether a page of another origin asks: browsers say whose page it is, programs do not. */
export function isOfForeignPage({ headers: { origin, host } }: Pick<IncomingMessage, 'headers'>): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/** Whether a page of this machine asks, such as that of a development server at another port. */
export function isOfLocalPage({ headers: { origin } }: Pick<IncomingMessage, 'headers'>): boolean {
  if (origin === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  return isLoopback(new URL(origin).hostname);
}

/** Lets a page of this machine connect as one of another origin, which the application knows. */
export function presentLocalPageAs(origin: string, request: IncomingMessage): void {
  if (!isOfLocalPage(request)) return;
  const { rawHeaders } = request;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'origin') rawHeaders[index + 1] = origin;
  }
  request.headers.origin = origin;
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || /^127(\.\d+){3}$/.test(name) || name === '[::1]';
}

/** The name in a `Host` header as URLs have it: in lower case, without a port and a trailing dot. */
function hostnameOf(host: string | undefined): string | undefined {
  const url = `http://${host}`;
  if (host === undefined || /[\s/?#@\\]/.test(host) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, '');
}
