import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChromiumWindow, hasTabs, launchChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { Scene } from './tab.ts';

// The client in a real browser while nothing gets through, nobody looks, or the computer sleeps.

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(async () => {
  await scene?.close();
});
beforeEach(() => {
  scene.nextUser();
});
afterEach(() => {
  scene.way.mend();
  expect(scene.complaints.splice(0)).toEqual([]);
});

/** Finds out within half a second. */
const QUICK = { livenessTimeoutMs: 500 };

describe('a network that is gone', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
  });

  it('in the middle of a burst costs nothing: all of it arrives on either side, once, in order', async () => {
    const context = await browser.newContext();
    const tab = await scene.connect(context, QUICK);
    const burst = Array.from({ length: 30 }, (_, index) => index);
    const send = (index: number) => tab.send(index, `${scene.user}-${index}`);
    for (const index of burst.slice(0, 10)) await send(index);
    for (const index of burst.slice(0, 10)) await scene.post(index);
    await context.setOffline(true);
    // What is posted now goes into a socket that nobody reads any more.
    for (const index of burst.slice(10, 20)) await Promise.all([send(index), scene.post(index)]);
    await tab.is('recovering');
    for (const index of burst.slice(20)) await Promise.all([send(index), scene.post(index)]);
    expect(scene.receivedByBob().length).toBeLessThan(burst.length);
    await context.setOffline(false);
    expect((await tab.has('outcomes', burst.length)).outcomes).toEqual(burst.map(() => 'delivered'));
    expect((await tab.has('messages', burst.length)).messages).toEqual(burst);
    expect(scene.receivedByBob()).toEqual(burst);
    await context.close();
  });

  it('is noticed though nothing is sent', async () => {
    const context = await browser.newContext();
    const tab = await scene.connect(context, QUICK);
    await context.setOffline(true);
    await tab.is('recovering');
    await context.setOffline(false);
    await tab.is('connected');
    expect(await scene.post('again')).toBe(1);
    expect((await tab.has('messages', 1)).messages).toEqual(['again']);
    await context.close();
  });
});

describe('a tab', () => {
  let window: ChromiumWindow;

  beforeAll(async () => {
    window = await ChromiumWindow.open();
  });
  afterAll(async () => {
    await window?.close();
  });
  afterEach(async () => {
    await Promise.all(window.context.pages().map((page) => page.close()));
  });

  it.runIf(hasTabs)('in the background receives and sends as in front', async () => {
    const tab = await scene.connect(window.context);
    await window.hide(tab.page);
    for (const data of [1, 2, 3]) expect(await scene.post(data)).toBe(1);
    await eventually(async () => (await tab.told()).messages).toEqual([1, 2, 3]);
    await tab.send('from behind', `${scene.user}-behind`);
    await eventually(async () => (await tab.told()).outcomes).toEqual(['delivered']);
    expect(await tab.page.evaluate('document.visibilityState')).toBe('hidden');
    expect(scene.receivedByBob()).toEqual(['from behind']);
  });

  it.runIf(hasTabs)('that was frozen there is back when it is looked at again, and misses nothing', async () => {
    const tab = await scene.connect(window.context);
    const { connectionId } = await tab.told();
    await window.freeze(tab.page);
    // Chromium gives up the connections of a frozen page, and does not tell the server.
    const posted = [1, 2, 3];
    for (const data of posted) await scene.post(data);
    expect((await tab.told()).messages).toEqual([]);
    await tab.page.bringToFront();
    expect((await tab.has('messages', posted.length)).messages).toEqual(posted);
    await tab.is('connected');
    const { connectionId: another, tokens } = await tab.told();
    expect(another).not.toBe(connectionId);
    expect(tokens).toBe(2);
  });

  it('of a computer that slept until the token had expired is back with another token, and misses nothing', async () => {
    const tab = await scene.connect(window.context, { firstTokenSeconds: 3 });
    window.sleep();
    const whileAsleep = await postUntil(0);
    window.wake();
    await tab.page.evaluate("dispatchEvent(new Event('online'))");
    const posted = [...whileAsleep, ...(await postUntil(1, whileAsleep.length))];
    expect(whileAsleep.length).toBeGreaterThan(1);
    expect((await tab.has('messages', posted.length)).messages).toEqual(posted);
    const { tokens, ...told } = await tab.told();
    expect(told).toMatchObject({ state: 'connected', errors: [] });
    // A third if the old connection asks for one before it notices that it is over.
    expect(tokens).toBeGreaterThan(1);
  });
});

/** Sends the numbers from `first` on until one of them reaches this many sockets, and gives them. */
async function postUntil(sockets: number, first = 0): Promise<number[]> {
  const posted: number[] = [];
  const post = () => {
    posted.push(first + posted.length);
    return scene.post(posted.at(-1));
  };
  await expect.poll(post, { interval: 100, timeout: 15_000 }).toBe(sockets);
  return posted;
}
