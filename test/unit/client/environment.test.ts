import { afterEach, expect, it, vi } from 'vitest';
import { randomId } from '../../../client/base/random-id.ts';
import { createEnvironment } from '../../../client/environment.ts';
import { acquire } from '../../../client/storage/locks.ts';
import { sharingOf } from '../../../client/storage/sharing.ts';
import { FakeSocket } from '../../support/client-world.ts';
import { WebLocks } from '../../support/web-locks.ts';

afterEach(() => vi.unstubAllGlobals());

it('makes ids that are UUIDs of version 4, also where crypto.randomUUID is missing', () => {
  vi.stubGlobal('crypto', {
    getRandomValues: (bytes: Uint8Array) => {
      bytes.set(bytes.map((_, index) => index * 17));
      return bytes;
    },
  });
  expect(randomId()).toBe('00112233-4455-4677-8899-aabbccddeeff');
  vi.unstubAllGlobals();
  const ids = new Set(Array.from({ length: 1_000 }, () => randomId()));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

it.each([undefined, {}])('makes ids of the time and Math.random where crypto is %o: UUIDs of version 7', (crypto) => {
  vi.stubGlobal('crypto', crypto);
  vi.spyOn(Date, 'now').mockReturnValueOnce(0x0123_4567_89ab);
  expect(randomId()).toMatch(/^01234567-89ab-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(new Set(Array.from({ length: 1_000 }, () => randomId())).size).toBe(1_000);
});

it('takes what the page may not use for missing', () => {
  const refuse = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  vi.stubGlobal('BroadcastChannel', refuse);
  vi.stubGlobal('navigator', Object.defineProperty({}, 'locks', { get: refuse }));
  const { openChannel, locks } = sharingOf(createEnvironment(FakeSocket));
  expect([openChannel?.('x'), locks]).toEqual([undefined, undefined]);
});

it('listens to nothing where there is a document in name only', () => {
  vi.stubGlobal('document', {});
  const { onWake, onHide } = createEnvironment(FakeSocket);
  for (const stop of [onWake(() => {}), onHide(() => {})]) stop();
});

it('wakes when the network is gone or back, the page is restored or the tab is shown, in a browser', () => {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  for (const name of ['addEventListener', 'removeEventListener'] as const)
    vi.stubGlobal(name, window[name].bind(window));
  vi.stubGlobal('document', document);
  const wake = vi.fn();
  const stop = createEnvironment(FakeSocket).onWake(() => wake());

  const happen = () => {
    for (const event of ['offline', 'online', 'pageshow']) window.dispatchEvent(new Event(event));
    document.dispatchEvent(new Event('visibilitychange'));
  };

  happen();
  expect(wake).toHaveBeenCalledTimes(3);
  document.visibilityState = 'visible';
  happen();
  expect(wake).toHaveBeenCalledTimes(7);

  stop();
  happen();
  expect(wake).toHaveBeenCalledTimes(7);
});

it('has nothing to wake for in Node', () => {
  const wake = vi.fn();
  createEnvironment(FakeSocket).onWake(wake)();
  expect(wake).not.toHaveBeenCalled();
});

it('hides when the page is left or its tab hidden, in a browser', () => {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  for (const name of ['addEventListener', 'removeEventListener'] as const)
    vi.stubGlobal(name, window[name].bind(window));
  vi.stubGlobal('document', document);
  const hide = vi.fn();
  const stop = createEnvironment(FakeSocket).onHide(() => hide());

  document.dispatchEvent(new Event('visibilitychange'));
  expect(hide).toHaveBeenCalledTimes(0);
  document.visibilityState = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  window.dispatchEvent(new Event('pagehide'));
  expect(hide).toHaveBeenCalledTimes(2);

  stop();
  window.dispatchEvent(new Event('pagehide'));
  expect(hide).toHaveBeenCalledTimes(2);
});

it('takes a lock at once or not at all when asked to, and gives it back', async () => {
  const locks = new WebLocks().page();
  const release = await acquire(locks, 'a');
  expect(await acquire(locks, 'a', { ifAvailable: true })).toBeUndefined();
  const next = acquire(locks, 'a');
  release?.();
  expect(await next).toBeTypeOf('function');
  await expect(acquire({ request: () => Promise.reject(new Error('refused')) }, 'a')).rejects.toThrow('refused');
  const insecure = { request: () => Promise.reject(new DOMException('', 'SecurityError')) };
  expect(await acquire(insecure, 'a', { ifAvailable: true })).toBeTypeOf('function');
  expect(await acquire(undefined, 'a', { ifAvailable: true })).toBeTypeOf('function');
});
