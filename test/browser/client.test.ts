import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { type ClientPage, openWay, serveClientPage, type Way } from '../support/client-page.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

// The client in a real browser: what survives a reload, and what tabs share. The other user is a raw socket.

let cloud: LocalCloud;
let browser: Browser;
let page: ClientPage;
let way: Way;
let context: BrowserContext;
let bob: WireClient;
/** A user of each test's own. */
let user: string;
let tests = 0;
const complaints: string[] = [];

beforeAll(async () => {
  const parameters = { Issuer: '{endpointUrl}/_local', AllowedOrigins: '*' };
  [cloud, browser, page] = await Promise.all([
    startLocalCloud({ app: inject('app'), port: 0, parameters }),
    launchChromium(),
    serveClientPage(),
  ]);
  way = await openWay(Number(new URL(cloud.endpointUrl).port));
  const token = await cloud.token({ sub: 'bob' });
  bob = await connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${token}` } });
  await bob.ask({ action: 'register' });
});
afterAll(async () => {
  await Promise.all([browser?.close(), page?.close(), way?.close()]);
  await cloud?.close();
});
beforeEach(async () => {
  tests += 1;
  user = `alice${tests}`;
  context = await browser.newContext();
});
afterEach(async () => {
  way.mend();
  await context.close();
  expect(complaints.splice(0)).toEqual([]);
});

interface Told {
  readonly state: string;
  readonly connectionId: string;
  readonly messages: readonly unknown[];
  readonly settled: readonly { readonly id: string; readonly status: string }[];
  readonly errors: readonly string[];
  readonly outcomes: readonly string[];
}

/** A tab in which a client runs. */
class Tab {
  readonly page: Page;
  readonly #options: object;

  constructor(tab: Page, options: object) {
    this.page = tab;
    this.#options = options;
    tab.on('pageerror', (error) => complaints.push(String(error)));
  }

  /** Opens the page, or reloads it, and makes its client. */
  async load(url = page.url): Promise<void> {
    if (this.page.url() === url) await this.page.reload();
    else await this.page.goto(url);
    await this.page.waitForFunction('window.start');
    const options = { url: websocketUrl(), token: await cloud.token({ sub: user }), ...this.#options };
    await this.page.evaluate(`start(${JSON.stringify(options)})`);
  }

  async is(state: string): Promise<void> {
    await this.page.waitForFunction(`told.state === '${state}'`);
  }

  async has(what: 'messages' | 'outcomes' | 'settled', count: number): Promise<Told> {
    await this.page.waitForFunction(`told.${what}.length >= ${count}`);
    return this.told();
  }

  told(): Promise<Told> {
    return this.page.evaluate<Told>('told');
  }

  async send(data: unknown, id: string): Promise<void> {
    await this.page.evaluate(`send(${JSON.stringify(data)}, '${id}')`);
  }
}

async function open(options: object = {}): Promise<Tab> {
  const tab = new Tab(await context.newPage(), options);
  await tab.load();
  return tab;
}

async function connected(options: object = {}): Promise<Tab> {
  const tab = await open(options);
  await tab.is('connected');
  return tab;
}

/** The stage, by the way that can be cut. */
function websocketUrl(): string {
  return cloud.websocketUrl.replace(/:\d+/, `:${way.port}`);
}

/** Sends to the user, and gives how many sockets it reached. */
async function post(data: unknown): Promise<number> {
  const ack = await bob.ask({ action: 'sendMessage', to: { user }, data });
  const [{ connections }] = ack['results'] as [{ readonly connections: { readonly delivered: number } }];
  return connections.delivered;
}

/** What has reached bob, without what he has been sent by others. */
function receivedByBob(): unknown[] {
  const frames = bob.frames as unknown as readonly {
    type: string;
    messages?: readonly { from: object; data: unknown }[];
  }[];
  return frames
    .filter(({ type }) => type === 'messages')
    .flatMap(({ messages = [] }) => messages)
    .filter(({ from }) => 'user' in from && from.user === user)
    .map(({ data }) => data);
}

const LOCAL = { storage: 'local' };
const SHARED = { shareAcrossTabs: true };

describe('a reload', () => {
  it('while offline loses nothing that was queued: all of it arrives, once, in order', async () => {
    const tab = await connected(LOCAL);
    way.cut();
    await tab.is('recovering');
    const all = Array.from({ length: 20 }, (_, index) => index);
    for (const index of all) await tab.send(index, `${user}-${index}`);
    await tab.load();
    await tab.send(20, `${user}-20`);
    // Until the storage has been opened, a message is in memory alone.
    await tab.page.waitForFunction(`Object.values(localStorage).some((record) => record.includes('${user}-20'))`);
    await tab.load();
    way.mend();
    const { settled, errors } = await tab.has('settled', 21);
    expect(settled).toEqual([...all, 20].map((index) => ({ id: `${user}-${index}`, status: 'delivered' })));
    expect(receivedByBob()).toEqual([...all, 20]);
    expect(errors).toEqual([]);
    await tab.load();
    await tab.is('connected');
    expect((await tab.told()).settled).toEqual([]);
  });

  it('replays nothing that was seen, and brings what came meanwhile', async () => {
    const tab = await connected(LOCAL);
    for (const data of [1, 2, 3]) await post(data);
    await tab.has('messages', 3);
    await tab.page.goto('about:blank');
    await post(4);
    await tab.load();
    await tab.is('connected');
    await post(5);
    expect((await tab.has('messages', 2)).messages).toEqual([4, 5]);
  });

  it('of a tab that shares brings what came meanwhile, too', async () => {
    const leader = await connected({ ...LOCAL, ...SHARED });
    const follower = await connected({ ...LOCAL, ...SHARED });
    await post(1);
    await Promise.all([leader.has('messages', 1), follower.has('messages', 1)]);
    await follower.page.goto('about:blank');
    await post(2);
    await leader.has('messages', 2);
    await follower.load();
    await follower.is('connected');
    expect(await post(3)).toBe(1);
    expect((await follower.has('messages', 2)).messages).toEqual([2, 3]);
  });
});

describe('tabs that do not share', () => {
  it('each have their own socket, and their own queue', async () => {
    const [one, two] = [await connected(LOCAL), await connected(LOCAL)];
    expect(await post('to both')).toBe(2);
    await Promise.all([one.has('messages', 1), two.has('messages', 1)]);
    way.cut();
    await Promise.all([one.is('recovering'), two.is('recovering')]);
    await one.send('one', `${user}-one`);
    await two.send('two', `${user}-two`);
    await one.load();
    way.mend();
    expect((await one.has('settled', 1)).settled).toEqual([{ id: `${user}-one`, status: 'delivered' }]);
    expect((await two.has('outcomes', 1)).outcomes).toEqual(['delivered']);
    expect(receivedByBob().sort()).toEqual(['one', 'two']);
  });
});

describe('tabs that share', () => {
  it('have one socket between them; each receives, once, and each sends', async () => {
    const tabs = [await connected(SHARED), await connected(SHARED), await connected(SHARED)];
    const [{ connectionId }] = (await Promise.all(tabs.map((tab) => tab.told()))) as [Told];
    for (const tab of tabs) expect((await tab.told()).connectionId).toBe(connectionId);
    for (const data of [1, 2, 3]) expect(await post(data)).toBe(1);
    for (const [index, tab] of tabs.entries()) {
      await tab.send(`from ${index}`, `${user}-${index}`);
      const { messages } = await tab.has('messages', 3);
      expect(messages).toEqual([1, 2, 3]);
      expect((await tab.has('outcomes', 1)).outcomes).toEqual(['delivered']);
    }
    expect(receivedByBob()).toEqual(['from 0', 'from 1', 'from 2']);
  });

  it.each<[string, (tab: Tab) => Promise<unknown>]>([
    ['its tab is closed', (tab) => tab.page.close()],
    ['its client is closed', (tab) => tab.page.evaluate('client.close()')],
    // The browser has no page to answer with, so nobody waits for one.
    ['its tab crashes', async (tab) => void tab.page.goto('chrome://crash').catch(() => {})],
  ])('go on at once when the one that holds it is gone, because %s', async (_, end) => {
    const [leader, follower] = [await connected(SHARED), await connected(SHARED)];
    await post('before');
    await follower.has('messages', 1);
    const { connectionId } = await follower.told();
    await follower.page.evaluate("states = []; client.on('state', (state) => states.push(state))");
    await end(leader);
    await follower.send('meanwhile', `${user}-meanwhile`);
    await follower.page.waitForFunction(`told.connectionId !== '${connectionId}' && told.state === 'connected'`);
    // Nothing that would be waited for.
    expect(await follower.page.evaluate('states')).toMatchObject([{ status: 'recovering' }, { status: 'connected' }]);
    expect(await follower.page.evaluate('states.filter(({ retryAtMs }) => retryAtMs)')).toEqual([]);
    expect(await post('after')).toBe(1);
    expect((await follower.has('messages', 2)).messages).toEqual(['before', 'after']);
    expect((await follower.has('outcomes', 1)).outcomes).toEqual(['delivered']);
    expect(receivedByBob()).toEqual(['meanwhile']);
  });

  it('send what the one that is gone had queued, out of the storage', async () => {
    const [leader, follower] = [await connected({ ...LOCAL, ...SHARED }), await connected({ ...LOCAL, ...SHARED })];
    way.cut();
    await Promise.all([leader.is('recovering'), follower.is('recovering')]);
    await leader.send('left', `${user}-left`);
    await follower.send('own', `${user}-own`);
    await leader.page.close({ runBeforeUnload: true });
    way.mend();
    expect((await follower.has('settled', 1)).settled).toEqual([{ id: `${user}-left`, status: 'delivered' }]);
    expect((await follower.has('outcomes', 1)).outcomes).toEqual(['delivered']);
    expect(receivedByBob().sort()).toEqual(['left', 'own']);
  });
});

describe('a storage', () => {
  it('that is full costs nothing but itself, and is told of once', async () => {
    const tab = new Tab(await context.newPage(), LOCAL);
    await tab.page.goto(page.url);
    await tab.page.evaluate(`for (let size = 2 ** 23; size >= 1; size /= 2) {
      try { for (let i = 0; i < 20; i += 1) localStorage.setItem('fill' + size + '-' + i, 'x'.repeat(size)); } catch {}
    }`);
    await tab.load();
    await tab.is('connected');
    await post(1);
    await tab.has('messages', 1);
    await tab.send(1, `${user}-1`);
    await tab.has('outcomes', 1);
    await tab.page.waitForFunction('told.errors.length > 0');
    expect(await tab.told()).toMatchObject({ messages: [1], outcomes: ['delivered'], errors: ['storage_failed'] });
  });

  it('that is refused, with locks and channels, costs nothing but itself', async () => {
    const tab = new Tab(await context.newPage(), { ...LOCAL, ...SHARED });
    await tab.load(page.sandboxedUrl);
    await tab.is('connected');
    expect(await post(1)).toBe(1);
    await tab.has('messages', 1);
    await tab.send(1, `${user}-1`);
    await tab.has('outcomes', 1);
    expect(await tab.told()).toMatchObject({ messages: [1], outcomes: ['delivered'], errors: ['storage_failed'] });
  });
});
