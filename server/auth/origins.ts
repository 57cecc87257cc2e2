/** A host: letters, digits and Punycode; or an IPv6 address. */
const HOST = '(?:[A-Za-z\\d_.~-]+|\\[[\\dA-Fa-f:.]+\\])';

/** WebSockets and files are not origins of pages. An origin is written without its default port. */
const NEVER_SENT = '(?!wss?:|ftp:|http://[^/]*:80\\b|https://[^/]*:443\\b)';

/** Every page; a page without an origin of its own, such as a sandboxed frame; a file. */
const OTHERS = ['*', 'null', 'file://'];

/**
 * An origin that may be listed, as a regular expression for both JavaScript and CloudFormation (Java). It allows any
 * scheme, because pages also come from `capacitor://localhost`, `tauri://localhost` and `chrome-extension://…`.
 * Case-insensitive.
 */
export const ORIGIN_PATTERN = `(?:\\*|null|file://|${NEVER_SENT}[A-Za-z][A-Za-z\\d+.-]*://${HOST}(?::\\d{1,5})?)`;

const ORIGIN = new RegExp(`^${ORIGIN_PATTERN}$`);

/** Whether a text is an origin as browsers send it. */
export function isOrigin(text: string): boolean {
  return ORIGIN.test(text) && canonicalOrigin(text) !== undefined;
}

/**
 * The form in which origins are compared: lower case, Punycode, without a default port or a slash at the end.
 * `undefined` for a text that no browser sends: a path, a name with `*` in it, the address of a WebSocket.
 */
export function canonicalOrigin(text: string): string | undefined {
  const trimmed = text.trim();
  const origin = OTHERS.includes(trimmed) ? trimmed : serialize(trimmed);
  return origin !== undefined && ORIGIN.test(origin) ? origin : undefined;
}

function serialize(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, pathname, search, hash, username, password } = new URL(text);
  const isBare = (pathname === '' || pathname === '/') && search + hash + username + password === '';
  return isBare ? `${protocol}//${host.toLowerCase()}` : undefined;
}

/** Whether a page of an origin may connect. */
export type IsAllowedOrigin = (origin: string, domainName: string | undefined) => boolean;

/**
 * Allows the listed origins, and the API's own address, `https://{domainName}`: React Native sends it as the origin,
 * and no page can have it.
 */
export function createOriginCheck(allowedOrigins: readonly string[]): IsAllowedOrigin {
  const allowed = new Set(allowedOrigins.map(canonicalOrigin));
  return (text, domainName) => {
    if (allowed.has('*')) return true;
    const origin = canonicalOrigin(text);
    if (origin === undefined) return false;
    return allowed.has(origin) || (domainName !== undefined && origin === `https://${domainName}`);
  };
}
