import { join } from 'node:path';
import { testingExamples } from '../support/testing-examples.ts';
import { install, run, say, type Tarballs, write } from './project.ts';

/** What failed once in a page of a test runner: compression, and an `AbortSignal` of the page. */
const PAGE = `
import { connect } from 'beckon/client';
import { createTestServer } from 'beckon/testing';
import { expect, test } from 'vitest';

test('long data is compressed, and arrives as it was', async () => {
  const server = createTestServer();
  const bob = server.client('bob');
  await bob.ready();
  const data = { text: 'long '.repeat(1_000), more: new Array(50).fill('é') };
  const arrived = bob.once('message');
  await server.client('alice', { compress: true }).sendToUser('bob', data);
  expect((await arrived).data).toEqual(data);
  server.close();
});

test('a signal of the page ends what it is given to', async () => {
  const server = createTestServer();
  const { AbortController } = window;
  const [ofCall, ofClient] = [new AbortController(), new AbortController()];
  const client = connect({ ...server.connectOptions('bob'), signal: ofClient.signal });
  await client.ready({ signal: ofCall.signal });
  server.disconnect();
  const sent = client.sendToUser('alice', 1, { signal: ofCall.signal });
  ofCall.abort(new Error('enough'));
  await expect(sent).rejects.toThrow('enough');
  ofClient.abort();
  expect(client.state.status).toBe('closed');
  server.close();
});
`;

const inPage = (page: string, code: string) => `// @vitest-environment ${page}\n${code}`;

/** Runs the examples of docs/testing.md with vitest, Jest and Node, in Node, jsdom and happy-dom, without options. */
export function checkTesting(temporary: string, { beckon }: Tarballs): void {
  const folder = join(temporary, 'testing');
  const { 'retry.test.js': jest = '', 'bell.test.js': bell = '', ...others } = testingExamples();
  write(folder, {
    ...others,
    'package.json': '{ "type": "module" }',
    'bell.test.js': bell,
    'bell-happy.test.js': bell.replace('environment jsdom', 'environment happy-dom'),
    'page.test.js': inPage('jsdom', PAGE),
    'page-happy.test.js': inPage('happy-dom', PAGE),
    'jest/package.json': '{}',
    'jest/retry.test.js': jest,
  });
  install(folder, beckon, 'vitest', 'jsdom', 'happy-dom', 'jest', 'jest-environment-jsdom');
  run(folder, process.execPath, '--test', 'race.test.mjs');
  run(folder, 'npx', 'vitest', 'run', '--exclude', 'jest', '--exclude', 'race.test.mjs');
  run(join(folder, 'jest'), 'npx', 'jest');
  say('  the test server works with vitest, Jest and Node, in jsdom and happy-dom');
}
