import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Client, type ConnectOptions, connect } from '../../client/index.ts';
import { useBeckon, useConnectionState, useConversation, usePresence } from '../../client/react/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { type FakeServer, startFakeServer } from '../support/fake-server.ts';
import type { PageHarness, PageProps } from './pages/react-harness.ts';

// The hooks in a real browser, under StrictMode, with React's development checks.

let browser: Browser;
let script: string;
let server: FakeServer;
let page: Page;

beforeAll(async () => {
  const harness = bundle("import './test/browser/pages/react.ts';");
  [script, browser] = await Promise.all([harness, launchChromium()]);
});
afterAll(() => browser?.close());

const complaints: string[] = [];
const peers: Client[] = [];
beforeEach(async () => {
  complaints.length = 0;
  server = await startFakeServer();
  page = await browser.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  await page.close();
  await server.stop();
});

/** The functions in the page. */
declare const harness: PageHarness;
const render = (props: Partial<PageProps> = {}) =>
  page.evaluate((all) => harness.render(all), { url: server.url, user: 'alice', label: '1:', ...props });
const tokens = () => page.evaluate(() => harness.tokens);
const state = () => page.textContent('#state');
const messages = () => page.textContent('#messages');
/** Another device, in this process. */
function openPeer(user: string) {
  const peer = connect({ url: server.url, getToken: () => user, webSocket: WebSocket });
  peers.push(peer);
  return peer;
}
const devices = (of = server, user = 'alice') => of.users.get(user)?.size ?? 0;
const registrations = (of = server) => of.frames.filter(({ action }) => action === 'register').length;

describe('under StrictMode, a component that uses Beckon', () => {
  beforeEach(async () => {
    await page.addScriptTag({ type: 'module', content: script });
    // The browser runs an added module later.
    await page.waitForFunction('globalThis.harness');
  });

  it('has one connection, asks for one token, and renders again when the state changes', async () => {
    await render();
    await eventually(state).toBe('connected');
    expect(await tokens()).toEqual(['alice']);
    expect([devices(), registrations()]).toEqual([1, 1]);
    expect(await page.evaluate(() => [...new Set(harness.states)])).toEqual(['connecting', 'connected']);
    expect(complaints).toEqual([]);
  });

  it('gets each message once, in its latest listener', async () => {
    await render();
    await eventually(state).toBe('connected');
    const bob = openPeer('bob');
    await bob.sendToUser('alice', 'one');
    await eventually(messages).toBe('1: one');
    await render({ label: '2:' });
    await bob.sendToUser('alice', 'two');
    await eventually(messages).toBe('1: one, 2: two');
    expect(registrations()).toBe(2);
  });

  it('keeps its connection when getToken changes, and calls the latest one', async () => {
    await render();
    await eventually(state).toBe('connected');
    await render({ user: 'bob' });
    await render({ user: 'carol' });
    expect(await tokens()).toEqual(['alice']);
    server.cut();
    await eventually(() => devices(server, 'carol')).toBe(1);
    await eventually(state).toBe('connected');
    expect(await tokens()).toEqual(['alice', 'carol']);
    expect(await page.evaluate(() => harness.states)).toContain('recovering');
  });

  it('moves to another server when the url changes', async () => {
    const other = await startFakeServer();
    try {
      await render();
      await eventually(state).toBe('connected');
      await render({ url: other.url });
      await eventually(() => [devices(server), devices(other)]).toEqual([0, 1]);
      await eventually(state).toBe('connected');
      expect(registrations(other)).toBe(1);
    } finally {
      await other.stop();
    }
  });

  it('disconnects when it is unmounted', async () => {
    await render();
    await eventually(state).toBe('connected');
    await page.evaluate(() => harness.unmount());
    await eventually(devices).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('gives the wrong option’s name to the error boundary', async () => {
    await render({ more: { ackTimeout: 1 } });
    await eventually(() => page.textContent('#error')).toMatch(
      /^connect: unknown option "ackTimeout"; there are url, /,
    );
  });
});

describe('the examples of docs/react.md', () => {
  const examples = [...readFileSync('docs/react.md', 'utf8').matchAll(/^```tsx\n(.*?)^```/gms)].map(
    ([, code = '']) => code,
  );
  const show = async (example: string, element: string) => {
    const content = await bundle(`${example}
      import { StrictMode } from 'react';
      import { createRoot } from 'react-dom/client';
      const props = { url: ${JSON.stringify(server.url)}, fetchToken: async () => 'bob' };
      createRoot(document.body).render(<StrictMode>${element}</StrictMode>);`);
    await page.addScriptTag({ type: 'module', content });
  };

  it('show the state, send, and show what arrives', async () => {
    await show(examples[0] ?? '', '<Chat {...props} />');
    await eventually(() => page.getByRole('status').textContent()).toBe('connected');
    const carol = openPeer('carol');
    await carol.sendToUser('bob', { text: 'hello' });
    await eventually(() => page.getByRole('listitem').allTextContents()).toEqual(['hello']);
    const bob = openPeer('bob');
    const received: unknown[] = [];
    bob.on('message', ({ data }) => received.push(data));
    await bob.ready();
    await page.getByRole('button', { name: 'Greet' }).click();
    await eventually(() => received).toContainEqual({ text: 'hi' });
    expect([devices(server, 'bob'), complaints]).toEqual([2, []]);
  });

  it('share one connection', async () => {
    await show(examples[3] ?? '', '<Connected {...props}><Indicator /><Indicator /></Connected>');
    await eventually(() => page.getByRole('status').allTextContents()).toEqual(['online', 'online']);
    expect([registrations(), complaints]).toEqual([1, []]);
  });

  it('show a room and who is there, and send', async () => {
    const around = `
      import { useBeckon } from 'beckon/react';
      function Page({ url, fetchToken }) {
        return <Room client={useBeckon({ url, getToken: fetchToken })} room="lobby" />;
      }`;
    await show(`${examples[1]}${around}`, '<Page {...props} />');
    await eventually(() => page.getByRole('heading').textContent()).toBe('lobby: 1');
    await page.getByLabel('Text').fill('hello');
    await page.getByRole('button', { name: 'Send' }).click();
    await eventually(() => page.getByRole('listitem').allTextContents()).toEqual(['hello ']);
    expect([devices(server, 'bob'), complaints]).toEqual([1, []]);
    expect(await page.getByLabel('Text').inputValue()).toBe('');
  });

  it('show what is unread, and the conversations, until they are read on another device', async () => {
    const around = `
      import { useBeckon } from 'beckon/react';
      function Page({ url, fetchToken }) {
        return <Bell client={useBeckon({ url, getToken: fetchToken })} />;
      }`;
    await show(`${examples[2]}${around}`, '<Page {...props} />');
    const carol = openPeer('carol');
    const [bob, count] = [openPeer('bob'), () => page.getByRole('button').textContent()];
    await carol.sendToUser('bob', 'hello');
    const { serial } = (await bob.history({ user: 'carol' })).messages[0] ?? {};
    await eventually(count).toBe('1 unread');
    await page.getByRole('button').click();
    await eventually(() => page.getByRole('listitem').allTextContents()).toEqual(['1: hello']);
    await bob.markRead({ user: 'carol' }, serial ?? '');
    await eventually(() => page.getByRole('listitem').allTextContents()).toEqual(['0: hello']);
    expect([await count(), complaints]).toEqual(['0 unread', []]);
  });

  it('all run', () => expect(examples).toHaveLength(4));
});

it('with another peer a component sees nothing of the last one, not even once', async () => {
  const content = await bundle(`
    import { createElement } from 'react';
    import { createRoot } from 'react-dom/client';
    import { useBeckon, useConversation } from 'beckon/react';
    const root = createRoot(document.body);
    const seen = [];
    function View({ user }) {
      const client = useBeckon({ url: ${JSON.stringify(server.url)}, getToken: () => 'alice' });
      const { status, entries, send } = useConversation(client, { user });
      for (const { data } of entries) seen.push([user, data]);
      return createElement('button', { onClick: () => send('to ' + user) }, user + ' ' + status);
    }
    globalThis.show = (user) => root.render(createElement(View, { user }));
    globalThis.seen = seen;
    show('bob');`);
  await page.addScriptTag({ type: 'module', content });
  await page.getByRole('button', { name: 'bob ready' }).click();
  const seen = () => page.evaluate('seen') as Promise<[string, string][]>;
  await eventually(seen).toContainEqual(['bob', 'to bob']);
  await page.evaluate("show('carol')");
  await page.getByRole('button', { name: 'carol ready' }).click();
  await eventually(seen).toContainEqual(['carol', 'to carol']);
  expect((await seen()).filter(([user, data]) => data !== `to ${user}`)).toEqual([]);
});

it('on the server a conversation and a presence are loading', () => {
  const url = { url: 'ws://127.0.0.1', getToken: () => 'token' };
  expect(renderToString(createElement(StoresOnly, url))).toBe('<p>loading loading</p>');
});

function StoresOnly(options: ConnectOptions) {
  const client = useBeckon(options);
  const { status } = useConversation(client, { user: 'bob' });
  return createElement('p', null, `${status} ${usePresence(client, ['bob']).status}`);
}

it('on the server the hook is connecting, and does nothing', () => {
  const getToken = vi.fn(() => 'token');
  expect(renderToString(createElement(StateOnly, { url: 'ws://127.0.0.1', getToken }))).toBe('<p>connecting</p>');
  expect(getToken).not.toHaveBeenCalled();
});

function StateOnly(options: ConnectOptions) {
  return createElement('p', null, useConnectionState(useBeckon(options)).status);
}

/** Bundles a module at the root of this project into a script, as an application's bundler does. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, loader: 'tsx', resolveDir: process.cwd() },
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    alias: { 'beckon/client': './client/index.ts', 'beckon/react': './client/react/index.ts' },
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
