import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { transformSync } from 'esbuild';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { BeckonError, type Client, type ConnectOptions, connect } from '../../client/index.ts';
import { resolveOptions } from '../../client/options.ts';
import { LASTING_CLIENT_CODES, PASSING_CLIENT_CODES } from '../../protocol/beckon-error.ts';
import { type FakeServer, startFakeServer } from '../support/fake-server.ts';

const DOCUMENT = readFileSync('docs/client.md', 'utf8');
const EXAMPLES = [...DOCUMENT.matchAll(/^```ts\n(?<code>.*?)^```/gms)].map((match) => match.groups?.['code'] ?? '');

it('docs/client.md shows a listener for every event', () => {
  const client = connect({ url: 'ws://127.0.0.1', getToken: () => 'token', webSocket: WebSocket });
  let told = '';
  try {
    client.on('nothing' as 'message', () => {});
  } catch (error) {
    told = String(error);
  }
  client.close();
  const [, names = ''] = /there are (.*)$/.exec(told) ?? [];
  expect(names).toContain('message, ');
  for (const name of names.split(', ')) expect(DOCUMENT).toContain(`on('${name}', `);
});

describe('the examples of docs/client.md', () => {
  let server: FakeServer;
  const clients: Client<never>[] = [];
  /** `connect` with a global WebSocket, as in Node ≥ 22 and browsers. */
  const connectAnywhere = (options: ConnectOptions<never, never>) => {
    const client = connect<never>({ webSocket: WebSocket, ...options });
    clients.push(client);
    return client;
  };
  const connected = async (user: string) => {
    const client = connectAnywhere({ url: server.url, getToken: () => user });
    await vi.waitUntil(() => client.state.status === 'connected');
    return client;
  };

  beforeAll(async () => {
    server = await startFakeServer();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await server.stop();
  });

  it.each(EXAMPLES)('example %$ works', async (code) => {
    const [client, bob] = await Promise.all([connected('alice'), connected('bob')]);
    const printed: string[] = [];
    const world = {
      client,
      bob,
      connect: connectAnywhere,
      BeckonError,
      WebSocket,
      v,
      records: new Map<string, string>(),
      websocketUrl: server.url,
      tokenUrl: 'data:text/plain,alice',
      fetchToken: () => 'alice',
      show: () => {},
      console: {
        log: (...values: unknown[]) => printed.push(values.map((value) => readable(value)).join(' ')),
      },
    };
    await run(code, world);
    const promised = [...code.matchAll(/console\.log\(.*; \/\/ (?<output>.*)$/gm)];
    expect(printed).toEqual(promised.map(({ groups }) => groups?.['output']));
    client.close();
    bob.close();
  });

  it('cover every call', () => {
    const code = EXAMPLES.join('\n');
    for (const call of [
      'connect(',
      '.ready(',
      '.once(',
      '.sendToUser(',
      '.sendToUsers(',
      ".on('message'",
      ".on('gap'",
      ".on('state'",
      ".on('error'",
      ".on('result'",
      ".on('left'",
      ".on('presence'",
      ".on('receipt'",
      ".on('marker'",
      '.sendToRoom(',
      '.join(',
      '.leave(',
      '.presence(',
      '.watch(',
      '.unwatch(',
      '.history(',
      '.search(',
      '.unread(',
      '.markRead(',
      '.block(',
      '.unblock(',
      '.blocked(',
    ]) {
      expect(code).toContain(call);
    }
    for (const call of ['.messages(', '.state', '.close()', 'signal:', 'storage:', 'shareAcrossTabs:'])
      expect(code).toContain(call);
  });
});

describe('docs/client.md', () => {
  it('has every option of connect with its default', () => {
    const { isBackoffGiven: _, ...options } = resolveOptions({ url: 'wss://x', getToken: () => '' });
    for (const [name, value] of Object.entries(options)) {
      const byDefault = /^(number|boolean)$/.test(typeof value)
        ? `\\w*\\s?\\| ${value?.toLocaleString('en')}`
        : '\\| .+';
      expect(DOCUMENT).toMatch(new RegExp(`^\\| \`${name}\` \\| ${byDefault} \\| `, 'm'));
    }
  });

  it('has every client error code with its sentence', () => {
    const rows = (codes: object, retryable: string) =>
      Object.entries(codes).map(([code, sentence]) => `| \`${code}\` | ${retryable} | ${sentence} |\n`);
    for (const row of [...rows(PASSING_CLIENT_CODES, 'yes'), ...rows(LASTING_CLIENT_CODES, 'no')])
      expect(DOCUMENT).toContain(row);
  });
});

const AsyncFunction = (async () => {}).constructor as new (
  ...parameters: string[]
) => (...values: unknown[]) => Promise<void>;

/** Runs an example with the variables that it assumes. */
async function run(code: string, world: Readonly<Record<string, unknown>>): Promise<void> {
  const withoutImports = code.replaceAll(/^import .*\n/gm, '');
  const { code: script } = transformSync(`async () => {\n${withoutImports}\n}`, { loader: 'ts', target: 'es2022' });
  const call = new AsyncFunction(...Object.keys(world), `await (${script.trim().replace(/;$/, '')})();`);
  await call(...Object.values(world));
}

function readable(value: unknown): string {
  return typeof value === 'object' && !Array.isArray(value) ? inspect(value) : String(value);
}
