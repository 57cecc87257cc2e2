import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChromiumWindow, hasTabs, launchChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { Scene } from './tab.ts';

// The client in a real browser while the network is down, the tab is in the background, or the computer sleeps.

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

/** Options with which the client notices a dead connection within half a second. */
const QUICK = { livenessTimeoutMs: 500 };

describe('a network failure', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
  });

  it('during a burst loses nothing: every message arrives on both sides, once and in order', async () => {
    const context = await browser.newContext();
    const tab = await scene.connect(context, QUICK);
    const burst = Array.from({ length: 30 }, (_, index) => index);
    const send = (index: number) => tab.send(index, `${scene.user}-${index}`);
    for (const index of burst.slice(0, 10)) await send(index);
    for (const index of burst.slice(0, 10)) await scene.post(index);
    await context.setOffline(true);
    // The server now posts into a socket that the client no longer reads.
    for (const index of burst.slice(10, 20)) await Promise.all([send(index), scene.post(index)]);
    await tab.is('recovering');
    for (const index of burst.slice(20)) await Promise.all([send(index), scene.post(index)]);
    expect(scene.receivedByBob().length).toBeLessThan(burst.length);
    await context.setOffline(false);
    expect((await tab.has('outcomes', burst.length)).outcomes).toEqual(burst.map(() => 'sent'));
    expect((await tab.has('messages', burst.length)).messages).toEqual(burst);
    expect(scene.receivedByBob()).toEqual(burst);
    await context.close();
  });

  it('is noticed without traffic', async () => {
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
    await eventually(async () => (await tab.told()).outcomes).toEqual(['sent']);
    expect(await tab.page.evaluate('document.visibilityState')).toBe('hidden');
    expect(scene.receivedByBob()).toEqual(['from behind']);
  });

  it.runIf(hasTabs)('frozen in the background misses nothing when it returns to the front', async () => {
    const tab = await scene.connect(window.context);
    await window.freeze(tab.page);
    const posted = [1, 2, 3];
    for (const data of posted) await scene.post(data);
    expect((await tab.told()).messages).toEqual([]);
    await tab.page.bringToFront();
    expect((await tab.has('messages', posted.length)).messages).toEqual(posted);
    await tab.is('connected');
    // Some versions of Chromium drop the connections of a frozen page without a close to the server, others keep them.
    const { tokens, errors } = await tab.told();
    expect(tokens).toBeLessThanOrEqual(2);
    expect(errors).toEqual([]);
  });

  it('of a computer that sleeps past the token’s expiry reconnects with another token, and misses nothing', async () => {
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
    // A third token, if the old connection asks for one before it notices its end.
    expect(tokens).toBeGreaterThan(1);
  });
});

/** Sends numbers from `first` until one reaches this many sockets. Returns the sent numbers. */
async function postUntil(sockets: number, first = 0): Promise<number[]> {
  const posted: number[] = [];
  const post = () => {
    posted.push(first + posted.length);
    return scene.post(posted.at(-1));
  };
  await expect.poll(post, { interval: 100, timeout: 15_000 }).toBe(sockets);
  return posted;
}
