import type { IncomingMessage } from 'node:http';

/**
 * Returns what is wrong with the host name of a request, if anything. Any page can point its own name to this machine (DNS
 * rebinding): for the browser, the local cloud would then be that page's own server.
 */
export type HostProblem = (request: Pick<IncomingMessage, 'headers'>) => string | undefined;

/** The host names that requests may have. */
export interface Hosts {
  /** Checks for names of this machine, and allowed ones. */
  readonly own: HostProblem;
  /** Checks for those, and for names of AWS, which functions and SDKs use. */
  readonly aws: HostProblem;
}

/** Names whose addresses only AWS can set. */
const AWS_NAME = /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/;

/** @param allowed More names than those of this machine, such as that of a tunnel or of a container's host. */
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

/** Whether the request comes from a page of another origin. Browsers send the origin, programs do not. */
export function isOfForeignPage({ headers: { origin, host } }: Pick<IncomingMessage, 'headers'>): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/** Whether the request comes from a page of this machine, such as that of a development server at another port. */
export function isOfLocalPage({ headers: { origin } }: Pick<IncomingMessage, 'headers'>): boolean {
  if (origin === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  return isLoopback(new URL(origin).hostname);
}

/** Replaces the origin of a page of this machine by one that the application knows. */
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

/** Returns the name in a `Host` header in the form of URLs: in lower case, without a port and a trailing dot. */
function hostnameOf(host: string | undefined): string | undefined {
  const url = `http://${host}`;
  if (host === undefined || /[\s/?#@\\]/.test(host) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, '');
}
