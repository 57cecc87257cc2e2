import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { Scene, Tab, type Told } from './tab.ts';

// The client in a real browser: reloads, and tabs that share a connection.

let scene: Scene;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  [scene, browser] = await Promise.all([Scene.open(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await scene?.close();
});
beforeEach(async () => {
  scene.nextUser();
  context = await browser.newContext();
});
afterEach(async () => {
  scene.way.mend();
  await context.close();
  expect(scene.complaints.splice(0)).toEqual([]);
});

const connected = (options?: object) => scene.connect(context, options);

const LOCAL = { storage: 'local' };
const SHARED = { shareAcrossTabs: true };

describe('a reload', () => {
  it('while offline loses no queued message: all arrive once and in order', async () => {
    const tab = await connected(LOCAL);
    scene.way.cut();
    await tab.is('recovering');
    const all = Array.from({ length: 20 }, (_, index) => index);
    for (const index of all) await tab.send(index, `${scene.user}-${index}`);
    await tab.load();
    await tab.send(20, `${scene.user}-20`);
    // Before the storage is open, a message is only in memory.
    await tab.page.waitForFunction(`Object.values(localStorage).some((record) => record.includes('${scene.user}-20'))`);
    await tab.load();
    scene.way.mend();
    const { settled, errors } = await tab.has('settled', 21);
    expect(settled).toEqual([...all, 20].map((index) => ({ id: `${scene.user}-${index}`, status: 'sent' })));
    expect(scene.receivedByBob()).toEqual([...all, 20]);
    expect(errors).toEqual([]);
    await tab.load();
    await tab.is('connected');
    expect((await tab.told()).settled).toEqual([]);
  });

  it('repeats no seen message, and brings the missed ones', async () => {
    const tab = await connected(LOCAL);
    for (const data of [1, 2, 3]) await scene.post(data);
    await tab.has('messages', 3);
    await tab.page.goto('about:blank');
    await scene.post(4);
    await tab.load();
    await tab.is('connected');
    await scene.post(5);
    expect((await tab.has('messages', 2)).messages).toEqual([4, 5]);
  });

  it('of a sharing tab brings the missed messages too', async () => {
    const leader = await connected({ ...LOCAL, ...SHARED });
    const follower = await connected({ ...LOCAL, ...SHARED });
    await scene.post(1);
    await Promise.all([leader.has('messages', 1), follower.has('messages', 1)]);
    await follower.page.goto('about:blank');
    await scene.post(2);
    await leader.has('messages', 2);
    await follower.load();
    await follower.is('connected');
    expect(await scene.post(3)).toBe(1);
    expect((await follower.has('messages', 2)).messages).toEqual([2, 3]);
  });
});

describe('tabs that do not share', () => {
  it('each have their own socket, and their own queue', async () => {
    const [one, two] = [await connected(LOCAL), await connected(LOCAL)];
    expect(await scene.post('to both')).toBe(2);
    await Promise.all([one.has('messages', 1), two.has('messages', 1)]);
    scene.way.cut();
    await Promise.all([one.is('recovering'), two.is('recovering')]);
    await one.send('one', `${scene.user}-one`);
    await two.send('two', `${scene.user}-two`);
    await one.load();
    scene.way.mend();
    expect((await one.has('settled', 1)).settled).toEqual([{ id: `${scene.user}-one`, status: 'sent' }]);
    expect((await two.has('outcomes', 1)).outcomes).toEqual(['sent']);
    expect(scene.receivedByBob().sort()).toEqual(['one', 'two']);
  });
});

describe('tabs that share', () => {
  it('have one socket; each tab receives every message once, and each can send', async () => {
    const tabs = [await connected(SHARED), await connected(SHARED), await connected(SHARED)];
    const [{ connectionId }] = (await Promise.all(tabs.map((tab) => tab.told()))) as [Told];
    for (const tab of tabs) expect((await tab.told()).connectionId).toBe(connectionId);
    for (const data of [1, 2, 3]) expect(await scene.post(data)).toBe(1);
    for (const [index, tab] of tabs.entries()) {
      await tab.send(`from ${index}`, `${scene.user}-${index}`);
      const { messages } = await tab.has('messages', 3);
      expect(messages).toEqual([1, 2, 3]);
      expect((await tab.has('outcomes', 1)).outcomes).toEqual(['sent']);
    }
    expect(scene.receivedByBob()).toEqual(['from 0', 'from 1', 'from 2']);
  });

  it.each<[string, (tab: Tab) => Promise<unknown>]>([
    ['its tab is closed', (tab) => tab.page.close()],
    ['its client is closed', (tab) => tab.page.evaluate('client.close()')],
    // The crashed page cannot answer, so the test does not await it.
    ['its tab crashes', async (tab) => void tab.page.goto('chrome://crash').catch(() => {})],
  ])('continue at once when the tab with the socket is gone, because %s', async (_, end) => {
    const [leader, follower] = [await connected(SHARED), await connected(SHARED)];
    await scene.post('before');
    await follower.has('messages', 1);
    const { connectionId } = await follower.told();
    await follower.page.evaluate("states = []; client.on('state', (state) => states.push(state))");
    await end(leader);
    await follower.send('meanwhile', `${scene.user}-meanwhile`);
    await follower.page.waitForFunction(`told.connectionId !== '${connectionId}' && told.state === 'connected'`);
    // No state announces a wait: `retryAtMs` is absent.
    expect(await follower.page.evaluate('states')).toMatchObject([{ status: 'recovering' }, { status: 'connected' }]);
    expect(await follower.page.evaluate('states.filter(({ retryAtMs }) => retryAtMs)')).toEqual([]);
    expect(await scene.post('after')).toBe(1);
    expect((await follower.has('messages', 2)).messages).toEqual(['before', 'after']);
    expect((await follower.has('outcomes', 1)).outcomes).toEqual(['sent']);
    expect(scene.receivedByBob()).toEqual(['meanwhile']);
  });

  it('continue when the tab with the socket hangs', async () => {
    const options = { ...SHARED, livenessTimeoutMs: 500 };
    const [leader, follower] = [await connected(options), await connected(options)];
    await scene.post('before');
    await follower.has('messages', 1);
    const { connectionId } = await follower.told();
    // Do not await it: the loop never ends.
    void leader.page.evaluate('for (;;);').catch(() => {});
    await follower.send('meanwhile', `${scene.user}-meanwhile`);
    await follower.page.evaluate("dispatchEvent(new Event('online'))");
    await follower.page.waitForFunction(`told.connectionId !== '${connectionId}' && told.state === 'connected'`);
    await scene.post('after');
    expect((await follower.has('messages', 2)).messages).toEqual(['before', 'after']);
    expect((await follower.has('outcomes', 1)).outcomes).toEqual(['sent']);
    expect(scene.receivedByBob()).toEqual(['meanwhile']);
  });

  it('send the queued messages of a closed tab from the storage', async () => {
    const [leader, follower] = [await connected({ ...LOCAL, ...SHARED }), await connected({ ...LOCAL, ...SHARED })];
    scene.way.cut();
    await Promise.all([leader.is('recovering'), follower.is('recovering')]);
    await leader.send('left', `${scene.user}-left`);
    await follower.send('own', `${scene.user}-own`);
    await leader.page.close({ runBeforeUnload: true });
    scene.way.mend();
    expect((await follower.has('settled', 1)).settled).toEqual([{ id: `${scene.user}-left`, status: 'sent' }]);
    expect((await follower.has('outcomes', 1)).outcomes).toEqual(['sent']);
    expect(scene.receivedByBob().sort()).toEqual(['left', 'own']);
  });
});

describe('a storage', () => {
  it('that is full disables only itself, with one error', async () => {
    const tab = new Tab(scene, await context.newPage(), LOCAL);
    await tab.page.goto(scene.page.url);
    await tab.page.evaluate(`for (let size = 2 ** 23; size >= 1; size /= 2) {
      try { for (let i = 0; i < 20; i += 1) localStorage.setItem('fill' + size + '-' + i, 'x'.repeat(size)); } catch {}
    }`);
    await tab.load();
    await tab.is('connected');
    await scene.post(1);
    await tab.has('messages', 1);
    await tab.send(1, `${scene.user}-1`);
    await tab.has('outcomes', 1);
    await tab.page.waitForFunction('told.errors.length > 0');
    expect(await tab.told()).toMatchObject({ messages: [1], outcomes: ['sent'], errors: ['storage_failed'] });
  });

  it('that is refused, with locks and channels, disables only itself', async () => {
    const tab = new Tab(scene, await context.newPage(), { ...LOCAL, ...SHARED });
    await tab.load(scene.page.sandboxedUrl);
    await tab.is('connected');
    expect(await scene.post(1)).toBe(1);
    await tab.has('messages', 1);
    await tab.send(1, `${scene.user}-1`);
    await tab.has('outcomes', 1);
    expect(await tab.told()).toMatchObject({ messages: [1], outcomes: ['sent'], errors: ['storage_failed'] });
  });
});
