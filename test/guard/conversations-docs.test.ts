import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { transformSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openConversation, peerOf } from '../../client/stores/conversation.ts';
import { openInbox } from '../../client/stores/inbox.ts';
import { openPresence } from '../../client/stores/presence.ts';
import { createTestServer, type TestServer } from '../../testing/index.ts';

const DOCUMENT = readFileSync('docs/conversations.md', 'utf8');
const EXAMPLES = [...DOCUMENT.matchAll(/^```ts\n(?<code>.*?)^```/gms)].map((match) => match.groups?.['code'] ?? '');

/** The most lines of the examples that every application needs. */
const MAX_LINES = { 'A bell': 4, 'A chat': 9, 'Who is there': 4 };

let server: TestServer;
beforeEach(() => {
  server = createTestServer();
});
afterEach(() => server.close());

describe('the examples of docs/conversations.md', () => {
  it.each(EXAMPLES)('example %$ works', async (code) => {
    const [client, bob] = [server.client('alice'), server.client('bob')];
    await Promise.all([client.ready(), bob.ready()]);
    const printed: string[] = [];
    const shown = vi.fn();
    const world = {
      client,
      bob,
      openConversation,
      openInbox,
      openPresence,
      peerOf,
      until: (isDone: () => boolean) => vi.waitUntil(isDone),
      show: shown,
      input: { value: 'hi' } as { value: string; onkeydown?: () => void },
      form: {} as { onsubmit?: () => void },
      list: {} as { onscrolltop?: () => unknown },
      console: {
        log: (...values: unknown[]) =>
          printed.push(values.map((each) => (typeof each === 'object' ? inspect(each) : String(each))).join(' ')),
      },
    };
    await run(code, world);
    world.input.onkeydown?.();
    world.form.onsubmit?.();
    if (code.includes('subscribe') && !code.includes('stop()')) await vi.waitUntil(() => shown.mock.calls.length > 0);
    const promised = [...code.matchAll(/console\.log\(.*; \/\/ (?<output>.*)$/gm)];
    expect(printed).toEqual(promised.map(({ groups }) => groups?.['output']));
  });

  it.each(Object.entries(MAX_LINES))('%s takes at most %i lines', (title, lines) => {
    const [, code = ''] = new RegExp(`^## ${title}\n\n\`\`\`ts\n(.*?)^\`\`\``, 'ms').exec(DOCUMENT) ?? [];
    expect(code).not.toBe('');
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(lines);
  });
});

const AsyncFunction = (async () => {}).constructor as new (
  ...parameters: string[]
) => (...values: unknown[]) => Promise<void>;

/** Runs an example with the variables that it assumes. */
async function run(code: string, world: Readonly<Record<string, unknown>>): Promise<void> {
  const { code: script } = transformSync(`async () => {\n${code}\n}`, { loader: 'ts', target: 'es2022' });
  const call = new AsyncFunction(...Object.keys(world), `await (${script.trim().replace(/;$/, '')})();`);
  await call(...Object.values(world));
}
