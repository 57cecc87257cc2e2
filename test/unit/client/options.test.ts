import { afterEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../../client/index.ts';
import { type ConnectOptions, resolveOptions } from '../../../client/options.ts';

const BrowserUrl = URL;
const needed = { url: 'wss://example.com/prod', getToken: () => 'token' };

afterEach(() => vi.unstubAllGlobals());

describe('the options of connect', () => {
  it('have defaults', () => {
    expect(resolveOptions(needed)).toEqual({
      ...needed,
      signal: undefined,
      storage: undefined,
      shareAcrossTabs: false,
      maxQueuedMessages: 1_000,
      compress: true,
      isBackoffGiven: false,
      tokenTimeoutMs: 10_000,
      connectTimeoutMs: 20_000,
      ackTimeoutMs: 10_000,
      livenessTimeoutMs: 5_000,
      minBackoffMs: 1_000,
      maxBackoffMs: 30_000,
      minUptimeMs: 5_000,
      suspendAfterMs: 120_000,
      maxConnectionAgeMs: 6_600_000,
      messageExpiryMs: 300_000,
    });
  });

  it('are taken as given; undefined counts as absent', () => {
    const given = {
      ...needed,
      maxBackoffMs: 200_000,
      maxQueuedMessages: 5,
      ackTimeoutMs: undefined,
    } as object as ConnectOptions;
    expect(resolveOptions(given)).toMatchObject({ maxBackoffMs: 200_000, maxQueuedMessages: 5, ackTimeoutMs: 10_000 });
  });

  it.each<[string, unknown, string | RegExp]>([
    ['no options', undefined, 'connect: "options" must be an object, got undefined'],
    [
      'a mistyped name',
      { ...needed, ackTimeout: 1 },
      /^connect: unknown option "ackTimeout"; there are url, getToken, /,
    ],
    ['no url', { getToken: needed.getToken }, /"url" must be a ws: or wss: URL .*, got undefined$/],
    ['an http url', { ...needed, url: 'https://example.com' }, /"url" must be .*, got "https:\/\/example.com"$/],
    ['a relative url', { ...needed, url: '/prod' }, /"url" must be a ws: or wss: URL/],
    ['a token in the url', { ...needed, url: 'wss://example.com/prod?token=x' }, /without query and fragment/],
    ['a url object', { ...needed, url: new URL(needed.url) }, /"url" must be a ws: or wss: URL/],
    ['a token for getToken', { ...needed, getToken: 'x' }, 'connect: "getToken" must be a function, got "x"'],
    [
      'a duration of zero',
      { ...needed, ackTimeoutMs: 0 },
      /"ackTimeoutMs" must be a number of milliseconds above 0 .* got 0$/,
    ],
    ['a duration that is a string', { ...needed, maxBackoffMs: '30s' }, /"maxBackoffMs" must be .*, got "30s"$/],
    [
      'a duration that timers cannot hold',
      { ...needed, suspendAfterMs: 2 ** 31 },
      /at most 2147483647, got 2147483648$/,
    ],
    ['an endless duration', { ...needed, messageExpiryMs: Number.POSITIVE_INFINITY }, /got Infinity$/],
    [
      'half a message',
      { ...needed, maxQueuedMessages: 1.5 },
      /"maxQueuedMessages" must be an integer above 0, got 1.5$/,
    ],
    ['a word for compress', { ...needed, compress: 'gzip' }, /"compress" must be true or false, got "gzip"$/],
    [
      'a storage that is none',
      { ...needed, storage: 'session' },
      /"storage" must be "memory", "local" or an object with get, set, delete, keys, got "session"$/,
    ],
    ['a yes for a true', { ...needed, shareAcrossTabs: 'yes' }, /"shareAcrossTabs" must be true or false, got "yes"$/],
    ['a storage that lacks a call', { ...needed, storage: new Set() }, /"storage" must be .*, got \[object Set\]$/],
    ['a signal that is none', { ...needed, signal: {} }, /"signal" must be an AbortSignal, got \[object Object\]$/],
  ])('are refused with name, expectation and value: %s', (_, options, message) => {
    expect(() => resolveOptions(options as ConnectOptions)).toThrow(TypeError);
    expect(() => resolveOptions(options as ConnectOptions)).toThrow(message);
  });

  class WordyUrl {
    get protocol(): string {
      throw new Error('URL.protocol is not implemented');
    }
  }
  it.each<[string, unknown]>([
    ['as browsers have it', BrowserUrl],
    [
      'without canParse',
      class extends URL {
        static override readonly canParse: never = undefined as never;
      },
    ],
    ['as React Native has it', WordyUrl],
    ['missing', undefined],
  ])('take the url as it is given, with URL %s', (_, implementation) => {
    vi.stubGlobal('URL', implementation);
    const resolved = (url: string) => resolveOptions({ ...needed, url }).url;
    expect(resolved('wss://abc.execute-api.us-east-1.amazonaws.com/prod')).toBe(
      'wss://abc.execute-api.us-east-1.amazonaws.com/prod',
    );
    expect(resolved(' ws://127.0.0.1:4770/a/b/\n')).toBe('ws://127.0.0.1:4770/a/b/');
    expect(resolved('wss://example.com')).toBe('wss://example.com/');
    for (const url of ['https://x', '/prod', 'wss://', 'wss://x?t=1', 'wss://x/#a', 'wss://x y', '', 'wss:x'])
      expect(() => resolved(url), url).toThrow(/"url" must be a ws: or wss: URL/);
    if (implementation === BrowserUrl) expect(() => resolved('wss://x:port/')).toThrow(TypeError);
  });

  it('need a WebSocket where the runtime has none', () => {
    const { WebSocket } = globalThis as { WebSocket?: unknown };
    if (WebSocket !== undefined) return;
    expect(() => connect(needed)).toThrow(/^connect: this runtime has no WebSocket; pass one as "webSocket"/);
  });
});
