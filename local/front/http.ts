import type { IncomingMessage, ServerResponse } from 'node:http';

/** The largest request body of all APIs (DynamoDB: 16 MB). */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A request whose body is too large for every API. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** Reads a request's body. @throws BodyTooLargeError */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLargeError(`a request may have ${MAX_BODY_BYTES} bytes at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Splits a request's target into the path, still percent-encoded, and the query without its `?`. */
export function splitTarget(target = '/'): { readonly path: string; readonly rawQuery: string } {
  const question = target.indexOf('?');
  if (question < 0) return { path: target, rawQuery: '' };
  return { path: target.slice(0, question), rawQuery: target.slice(question + 1) };
}

/** Headers that keep a browser from guessing the type of an answer, and other pages from framing it. */
export const PROTECTED = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'content-security-policy': "frame-ancestors 'self'",
};

export function sendJson(
  response: ServerResponse,
  statusCode: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const own = { 'content-type': 'application/json', 'cache-control': 'no-store', ...PROTECTED };
  response.writeHead(statusCode, { ...own, ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}
