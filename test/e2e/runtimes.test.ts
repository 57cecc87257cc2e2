import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Client, ConnectOptions } from '../../client/index.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { openDevice } from '../support/device.ts';
import { eventually } from '../support/eventually.ts';
import {
  type BrowserGlobals,
  browserGlobals,
  bundleClient,
  createRealm,
  OpaqueBlob,
  UrlFileReader,
  WordlessAbortController,
} from '../support/realm.ts';

// Runs a conversation in runtimes that each lack a feature, over real sockets: in both directions, small and large messages, text
// and bytes, before and after a lost connection.

let cloud: LocalCloud;
let bundle: string;
const clients: Client[] = [];
let count = 0;

beforeAll(async () => {
  bundle = await bundleClient();
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => cloud.close());

const LARGE = { lines: Array.from({ length: 100 }, (_, index) => `line ${index}: Grüße 👋`) };
const BYTES = Uint8Array.from({ length: 5_000 }, (_, index) => index % 7);

/** A longer timeout: the first conversation starts every function. */
const COLD_START_MS = 60_000;

const refuse = () => {
  throw new DOMException('The operation is insecure.', 'SecurityError');
};

type Row = [lack: string, globals: (globals: BrowserGlobals) => object, told?: string[]];

const without =
  (...names: (keyof BrowserGlobals)[]) =>
  (globals: BrowserGlobals) =>
    Object.fromEntries(Object.entries(globals).filter(([name]) => !names.some((lacking) => lacking === name)));

const ROWS: Row[] = [
  ['nothing', (globals) => globals],
  ...(
    [
      'URL',
      'crypto',
      'CompressionStream',
      'DecompressionStream',
      'ReadableStream',
      'Blob',
      'Response',
      'TextEncoder',
      'TextDecoder',
      'atob',
      'btoa',
      'structuredClone',
      'BroadcastChannel',
      'navigator',
      'document',
      'addEventListener',
      'queueMicrotask',
      'AbortSignal',
    ] as const
  ).map((name): Row => [name, without(name)]),
  ['localStorage', without('localStorage'), ['storage_failed']],
  [
    'localStorage, which throws',
    (globals) => Object.defineProperty({ ...globals }, 'localStorage', { get: refuse, enumerable: true }),
    ['storage_failed'],
  ],
  [
    'URL.canParse',
    (globals) => ({ ...globals, URL: Object.defineProperty(class extends URL {}, 'canParse', { value: undefined }) }),
  ],
  [
    'crypto.randomUUID',
    (globals) => ({ ...globals, crypto: { getRandomValues: crypto.getRandomValues.bind(crypto) } }),
  ],
  ['a BroadcastChannel that can be made', (globals) => ({ ...globals, BroadcastChannel: refuse })],
  ['locks that may be asked for', (globals) => ({ ...globals, navigator: { locks: { request: refuse } } })],
  ['locks that may be had', (globals) => ({ ...globals, navigator: { locks: { request: async () => refuse() } } })],
  ['signals that tell why', (globals) => ({ ...globals, AbortController: WordlessAbortController })],
  [
    'what React Native lacks',
    ({ setTimeout, clearTimeout, queueMicrotask }) => ({
      ...{ setTimeout, clearTimeout, queueMicrotask, WebSocket },
      ...{ AbortController: WordlessAbortController, Blob: OpaqueBlob, FileReader: UrlFileReader },
      navigator: { product: 'ReactNative' },
    }),
    ['storage_failed'],
  ],
  [
    'everything but sockets, timers and signals',
    ({ setTimeout, clearTimeout, AbortController }) => ({ setTimeout, clearTimeout, AbortController }),
    ['storage_failed'],
  ],
];

async function open(globals: object, name: string, options: Partial<ConnectOptions>) {
  const realm = createRealm(bundle, globals);
  const sockets: WebSocket[] = [];
  const client = realm.beckon.connect({
    url: cloud.websocketUrl,
    getToken: () =>
      cloud.token({ sub: name, capability: { 'user:*': ['send', 'history'], 'room:*': ['join', 'send'] } }),
    webSocket: class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, [...protocols]);
        sockets.push(this);
      }
    },
    minBackoffMs: 20,
    maxBackoffMs: 50,
    ...options,
  });
  clients.push(client);
  const received: unknown[] = [];
  const errors: string[] = [];
  client.on('message', ({ data }) => received.push(plain(data)));
  client.on('error', ({ code }) => errors.push(code));
  return { ...realm, client, received, errors, lose: () => sockets.at(-1)?.terminate() };
}

/** Values of another realm look like ours, but have other prototypes. */
function plain(data: unknown): unknown {
  return ArrayBuffer.isView(data) ? [...(data as Uint8Array)] : JSON.parse(JSON.stringify(data));
}

test.each(ROWS)(
  'without %s a client can do everything',
  async (_, globalsOf, told = []) => {
    count += 1;
    const [near, far, hall] = [`near${count}`, `far${count}`, `hall${count}`];
    const capability = { 'user:*': ['send'], 'room:*': ['send'] };
    const alice = openDevice(cloud, far, { getToken: () => cloud.token({ sub: far, capability }) });
    clients.push(alice.client);
    const globals = globalsOf(browserGlobals());
    const bob = await open(globals, near, { storage: 'local', shareAcrossTabs: true });
    await alice.connected();
    await eventually(() => bob.client.state.status).toBe('connected');

    const small = bob.evaluate('({ text: "small" })') as object;
    const bytes = bob.evaluate('Uint8Array.from({ length: 5000 }, (_, index) => index % 7)') as Uint8Array;
    for (const data of [small, LARGE, bytes, 'last']) {
      const { id, status } = await bob.client.sendToUser(far, data as never);
      expect([status, id.length]).toEqual(['sent', 36]);
    }
    if ('Blob' in globals) {
      const blob = new (globals.Blob as typeof Blob)([Buffer.from('of a Blob')]);
      await bob.client.sendToUser(far, blob);
      await eventually(() => alice.received.length).toBe(5);
      expect(plain(alice.received.pop())).toEqual([...Buffer.from('of a Blob')]);
    }
    await eventually(() => alice.received.map(plain)).toEqual([{ text: 'small' }, LARGE, [...BYTES], 'last']);

    await alice.client.sendToUser(near, LARGE);
    await alice.client.sendToUser(near, BYTES);
    await eventually(() => bob.received).toEqual([LARGE, [...BYTES]]);
    bob.lose();
    await alice.client.sendToUser(near, LARGE);
    await eventually(() => bob.client.counters.connections).toBe(2);
    await bob.client.join(hall, { signal: new AbortController().signal });
    await alice.client.sendToRoom(hall, 'and a room');
    await eventually(() => bob.received.slice(2)).toEqual([LARGE, 'and a room']);
    expect((await bob.client.history({ user: far })).messages).toHaveLength('Blob' in globals ? 8 : 7);

    const controller = new WordlessAbortController();
    const aborted = bob.client.sendToUser(far, LARGE, { signal: controller.signal as never });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(bob.errors).toEqual(told);
  },
  COLD_START_MS,
);
