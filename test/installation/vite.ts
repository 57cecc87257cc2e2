import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { demand, install, run, say, type Tarballs, write } from './project.ts';

/** The most gzipped bytes of the first load of a page with the client alone. */
const MOST_FIRST_BYTES = 18 * 1024;

/** Builds a page with only this script with Vite, in a new folder. */
export function buildVitePage(folder: string, { beckon }: Tarballs, script: string): void {
  write(folder, {
    'package.json': '{ "type": "module" }',
    'index.html': '<!doctype html><title>Mine</title><body><script type="module" src="/main.ts"></script>',
    'main.ts': script,
  });
  install(folder, beckon, 'vite');
  run(folder, 'npx', 'vite', 'build');
  const html = readFileSync(join(folder, 'dist/index.html'), 'utf8');
  const assets = readdirSync(join(folder, 'dist/assets'));
  const first = assets.filter((name) => html.includes(name));
  const bytes = first.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, 'dist/assets', name))).length, 0);
  say(`  a page with the client: ${(bytes / 1024).toFixed(1)} KB gzipped at first, ${assets.length} chunks`);
  demand(first.length > 0 && bytes <= MOST_FIRST_BYTES, `a page downloads ${bytes} bytes at first`);
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves the built page on a free port. */
export async function servePage(folder: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : String(request.url);
    try {
      const content = readFileSync(join(folder, 'dist', path));
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
