import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PROTECTED, splitTarget } from './http.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Serves the files of one folder. The page of a folder is its `index.html`. Returns false if the file does not exist. */
export type StaticFiles = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export function createStaticFiles(directory: string): StaticFiles {
  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const file = await findFile(directory, splitTarget(request.url).path);
    if (!file) return false;
    response.writeHead(200, {
      'content-type': CONTENT_TYPES[extname(file.path)] ?? 'application/octet-stream',
      'content-length': file.size,
      'cache-control': 'no-cache',
      ...PROTECTED,
    });
    if (request.method === 'HEAD') response.end();
    else await pipeline(createReadStream(file.path), response).catch(ignoreClientGone);
    return true;
  };
}

async function findFile(directory: string, path: string): Promise<{ path: string; size: number } | undefined> {
  try {
    const root = await realpath(directory);
    const wanted = join(root, decodeURIComponent(path));
    const file = await realpath(path.endsWith('/') ? join(wanted, 'index.html') : wanted);
    if (!file.startsWith(root + sep)) return undefined;
    const found = await stat(file);
    return found.isFile() ? { path: file, size: found.size } : undefined;
  } catch (error) {
    if (error instanceof URIError || isNotFound(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // A null byte in a path is an invalid argument.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE';
}

/** A browser may leave before it has the whole file: that is no error. */
function ignoreClientGone(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ECONNRESET' && code !== 'EPIPE') throw error;
}
