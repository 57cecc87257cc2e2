import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client, ConnectOptions, Payload, ReceivedMessage, WebSocketConstructor } from '../../client/index.ts';
import type { SendResult } from '../../protocol/index.ts';
import type { ManageEvent } from '../../server/operations/manage-event.ts';
import { eventually } from '../support/eventually.ts';
import { openRaw } from '../support/raw-client.ts';
import type { Frame } from '../support/wire-frames.ts';

/** Claims of a token, beside its user. */
interface Claims {
  readonly capability?: Readonly<Record<string, readonly string[]>>;
  readonly expiresInSeconds?: number;
}

/** A running system, real or in memory. */
export interface System {
  readonly url: string;
  readonly webSocket: WebSocketConstructor;
  /** Mints a token that allows everything, unless the claims say otherwise. */
  token(user: string, claims?: Claims): string | Promise<string>;
  /** Connects a user. */
  client(user: string, claims?: Claims, options?: Partial<ConnectOptions>): Client;
  /** Sends as a service. */
  serve(service: string, to: { readonly user: string } | { readonly room: string }, data: Payload): Promise<SendResult>;
  /** Takes the network of a user away, until `bringBack`. */
  takeAway(user: string): void;
  bringBack(user: string): void;
  /** Does what an operator does. */
  manage(event: ManageEvent): Promise<object>;
  close(): void | Promise<void>;
}

const EVERYTHING = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'send', 'history', 'presence'] };

/** What applications build on: the test server and an installation must do the same. */
export function describeBehaviours(name: string, start: () => Promise<System>): void {
  describe(name, () => {
    let system: System;
    let clients: Client[] = [];
    /** Names of this test's own: the system goes on from test to test. */
    let alice: string;
    let bob: string;
    let room: string;
    let tests = 0;

    beforeAll(async () => {
      system = await start();
    });
    afterAll(() => system.close());
    beforeEach(() => {
      tests += 1;
      alice = `alice-${tests}`;
      bob = `bob-${tests}`;
      room = `room-${tests}`;
      return () => {
        for (const client of clients) client.close();
        clients = [];
      };
    });

    function device(user: string, claims: Claims = {}, options: Partial<ConnectOptions> = {}) {
      const client = system.client(user, { capability: EVERYTHING, ...claims }, options);
      clients.push(client);
      const received: ReceivedMessage[] = [];
      const gaps: unknown[] = [];
      client.on('message', (message) => received.push(message));
      client.on('gap', (gap) => gaps.push(gap));
      return { client, received, gaps, data: () => received.map(({ data }) => data) };
    }

    async function readyDevice(...args: Parameters<typeof device>) {
      const opened = device(...args);
      await opened.client.ready();
      return opened;
    }

    const raw = async (user: string, claims: Claims = {}) =>
      openRaw(system, await system.token(user, { capability: EVERYTHING, ...claims }));

    async function registered(user: string, claims: Claims = {}) {
      const opened = await raw(user, claims);
      expect(await opened.ask({ action: 'register' })).toMatchObject({ type: 'registered', userId: user });
      return opened;
    }

    async function away(user: string) {
      const device = await readyDevice(user);
      system.takeAway(user);
      await eventually(() => device.client.state.status).toBe('recovering');
      return device;
    }

    describe('a message to a user', () => {
      test('arrives as it was sent, with who sent it and when', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        const beforeMs = Date.now() - 1_000;
        const data = { text: 'hé', list: [1, 2.5, null, { deep: true }] };
        const result = await a.client.sendToUser(bob, data);
        await eventually(() => b.received).toHaveLength(1);
        const [message] = b.received;
        const { id, serial } = result;
        expect(message).toMatchObject({ id, serial, from: { user: alice }, to: { user: bob }, data });
        expect(message?.sentAt).toBeGreaterThan(beforeMs);
        expect(result).toMatchObject({ users: [{ user: bob, status: result.status }] });
      });

      test('may be bytes', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        await a.client.sendToUser(bob, Uint8Array.of(0, 128, 255));
        await eventually(b.data).toEqual([Uint8Array.of(0, 128, 255)]);
      });

      test('may be long', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        await a.client.sendToUser(bob, 'long '.repeat(1_000));
        await eventually(b.data).toEqual(['long '.repeat(1_000)]);
        await expect(a.client.sendToUser(bob, 'x'.repeat(300_000))).rejects.toMatchObject({
          code: 'message_too_large',
        });
      });

      test('keeps its place among the others', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        const numbers = Array.from({ length: 60 }, (_, index) => index);
        await Promise.all(numbers.map((number) => a.client.sendToUser(bob, number)));
        await eventually(b.data).toEqual(numbers);
      });

      test('reaches each of their devices, and the sender’s other devices if the sender wants that', async () => {
        const [phone, laptop, one, other] = await Promise.all(
          [alice, alice, bob, bob].map((user) => readyDevice(user)),
        );
        await phone?.client.sendToUser(bob, 'both');
        for (const each of [laptop, one, other]) await eventually(() => each?.data()).toEqual(['both']);
        expect(phone?.received).toEqual([]);
      });

      test('may be one to oneself', async () => {
        const [phone, laptop] = await Promise.all([readyDevice(alice), readyDevice(alice)]);
        await phone.client.sendToUser(alice, 'note');
        await eventually(laptop.data).toEqual(['note']);
      });

      test('may have several recipients, each with a result', async () => {
        const [a] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        const away = `${bob}-away`;
        const { status, users } = await a.client.sendToUsers([bob, away], 1);
        expect({ status, users: users.map(({ user }) => user) }).toEqual({ status: 'stored', users: [bob, away] });
        expect(users[1]?.status).toBe('stored');
      });

      test('is kept for a device that is away, once and in order', async () => {
        const a = await readyDevice(alice);
        const b = await away(bob);
        for (const number of [1, 2, 3]) {
          expect(await a.client.sendToUser(bob, number)).toMatchObject({ status: 'stored' });
        }
        system.bringBack(bob);
        await b.client.ready();
        await a.client.sendToUser(bob, 4);
        await eventually(b.data).toEqual([1, 2, 3, 4]);
        expect(b.gaps).toEqual([]);
      });

      test('is kept for a device that has never been there', async () => {
        const a = await readyDevice(alice);
        await a.client.sendToUser(bob, 'welcome');
        const b = await readyDevice(bob);
        await eventually(b.data).toEqual(['welcome']);
      });

      test('that is not to be kept is dropped when nobody is there', async () => {
        const a = await readyDevice(alice);
        const b = await away(bob);
        expect(await a.client.sendToUser(bob, 'typing', { ephemeral: true })).toMatchObject({ status: 'dropped' });
        await a.client.sendToUser(bob, 'hello');
        system.bringBack(bob);
        await eventually(b.data).toEqual(['hello']);
        await a.client.sendToUser(bob, 'typing', { ephemeral: true });
        await eventually(b.data).toEqual(['hello', 'typing']);
        expect((await b.client.history({ user: alice })).messages.map(({ data }) => data)).toEqual(['hello']);
      });

      test('that is queued while the sender is away is sent when they are back', async () => {
        const b = await readyDevice(bob);
        const a = await away(alice);
        const sent = a.client.sendToUser(bob, 'later');
        system.bringBack(alice);
        expect(await sent).toMatchObject({ users: [{ user: bob }] });
        await eventually(b.data).toEqual(['later']);
      });

      test('is accepted once, however often it is sent', async () => {
        const [a, b] = await Promise.all([registered(alice), readyDevice(bob)]);
        const send = (more: Frame) =>
          a.ask({ action: 'sendMessage', messages: [{ id: 'same', to: { user: bob }, data: 1, ...more }] });
        const first = await send({});
        const again = await send({ retry: true });
        const [one, two] = [first, again].map(({ results }) => (results as SendResult[])[0]);
        expect(two).toMatchObject({ duplicate: true, serial: one?.serial });
        await eventually(b.data).toEqual([1]);
        expect((await b.client.history({ user: alice })).messages).toHaveLength(1);
      });
    });

    describe('a service', () => {
      test('sends to users, now or later, and to rooms', async () => {
        const b = await readyDevice(bob);
        await b.client.join(room);
        await system.serve('billing', { user: bob }, 'now');
        await system.serve('billing', { room }, 'to all');
        await eventually(b.data).toEqual(['now', 'to all']);
        expect(b.received.map(({ from }) => from)).toEqual([{ service: 'billing' }, { service: 'billing' }]);
        expect(await system.serve('billing', { user: `${bob}-away` }, 'later')).toMatchObject({ status: 'stored' });
        const late = await readyDevice(`${bob}-away`);
        await eventually(late.data).toEqual(['later']);
      });
    });

    describe('a room', () => {
      test('brings its messages to who is in it, but not to the device that sends', async () => {
        const [a, b, c] = await Promise.all([readyDevice(alice), readyDevice(bob), readyDevice(`${bob}-outside`)]);
        await Promise.all([a.client.join(room), b.client.join(room)]);
        await a.client.sendToRoom(room, 1);
        await eventually(b.data).toEqual([1]);
        expect(b.received).toMatchObject([{ from: { user: alice }, to: { room } }]);
        await b.client.leave(room);
        await a.client.sendToRoom(room, 2);
        await a.client.sendToUser(bob, 'after');
        await eventually(b.data).toEqual([1, 'after']);
        expect([a.received, c.received]).toEqual([[], []]);
      });

      test('brings what a device missed', async () => {
        const a = await readyDevice(alice);
        const b = await readyDevice(bob);
        await Promise.all([a.client.join(room), b.client.join(room)]);
        await a.client.sendToRoom(room, 0);
        await eventually(b.data).toEqual([0]);
        system.takeAway(bob);
        await eventually(() => b.client.state.status).toBe('recovering');
        for (const number of [1, 2]) await a.client.sendToRoom(room, number);
        system.bringBack(bob);
        await eventually(b.data).toEqual([0, 1, 2]);
      });

      test('admits nobody whose token does not allow it', async () => {
        const b = await readyDevice(bob, { capability: { 'room:other-*': ['join'] } });
        for (const call of [
          () => b.client.join(room),
          () => b.client.sendToRoom(room, 1),
          () => b.client.history({ room }),
        ]) {
          await expect(call()).rejects.toMatchObject({ code: 'forbidden' });
        }
        await b.client.join(`other-${room}`);
      });
    });

    describe('presence', () => {
      test('of users is told, and changes of it', async () => {
        const a = await readyDevice(alice);
        const changes: unknown[] = [];
        a.client.on('presence', ({ users }) => changes.push(...users.map(({ user, online }) => ({ user, online }))));
        expect(await a.client.watch([bob])).toMatchObject({ users: [{ user: bob, online: false }] });
        await readyDevice(bob);
        await eventually(() => changes).toEqual([{ user: bob, online: true }]);
        expect(await a.client.presence([bob, alice])).toMatchObject({
          users: [
            { user: bob, online: true },
            { user: alice, online: true },
          ],
        });
      });

      test('of a room has its occupancy', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        const changes: unknown[] = [];
        await a.client.join(room);
        await eventually(() => a.client.presence({ room })).toMatchObject({ occupancy: { users: 1, connections: 1 } });
        await a.client.watch({ room });
        a.client.on('presence', ({ users }) => changes.push(...users.map(({ user, online }) => ({ user, online }))));
        await b.client.join(room);
        await eventually(() => changes).toContainEqual({ user: bob, online: true });
        await b.client.leave(room);
        await eventually(() => changes).toContainEqual({ user: bob, online: false });
        expect(await a.client.presence({ room })).toMatchObject({ occupancy: { users: 1, connections: 1 } });
      });
    });

    describe('history', () => {
      test('has both sides of a conversation, page by page', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        for (const number of [1, 2, 3]) {
          await a.client.sendToUser(bob, number);
          await b.client.sendToUser(alice, -number);
        }
        const history = (user: string, more: object) => a.client.history({ user }, more);
        await eventually(async () => (await history(bob, {})).messages.length).toBe(6);
        const newest = await history(bob, { limit: 4 });
        expect(newest.messages.map(({ data }) => data)).toEqual([2, -2, 3, -3]);
        const { next = '' } = newest;
        const oldest = await history(bob, { before: next });
        expect(oldest.messages.map(({ data }) => data)).toEqual([1, -1]);
        expect(oldest.next).toBeUndefined();
        expect((await history(`${bob}-other`, {})).messages).toEqual([]);
      });

      test('of a room has what was sent before one joined', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        await a.client.sendToRoom(room, 'before');
        await b.client.join(room);
        expect((await b.client.history({ room })).messages).toMatchObject([{ data: 'before', from: { user: alice } }]);
      });

      test('counts what is unread, until it is read', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        const sent = [
          await a.client.sendToUser(bob, 1),
          await a.client.sendToUser(bob, 2),
          await a.client.sendToUser(bob, 3),
        ];
        const count = async () => (await b.client.unread([{ user: alice }])).map((each) => each.count);
        await eventually(count).toEqual([3]);
        await b.client.markRead({ user: alice }, sent[1]?.serial ?? '');
        await eventually(count).toEqual([1]);
        await eventually(() => b.client.history({ user: alice })).toMatchObject({ read: sent[1]?.serial });
      });

      test('is in the list of conversations, the newest activity first, until it is read there', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        await b.client.join(room);
        const { serial } = await a.client.sendToUser(bob, { text: 'x'.repeat(2000) });
        await eventually(async () => (await b.client.conversations()).conversations).toMatchObject([
          { conversation: { user: alice }, last: { serial, data: { text: 'x'.repeat(2000) } }, unread: { count: 1 } },
          { conversation: { room }, unread: { count: 0 } },
        ]);
        expect(await b.client.unread()).toEqual({ count: 1, more: false });
        await b.client.markRead({ user: alice }, serial);
        await eventually(() => b.client.unread()).toEqual({ count: 0, more: false });
        const { conversations, next } = await b.client.conversations({ limit: 1 });
        expect(conversations).toMatchObject([{ read: serial }]);
        expect((await b.client.conversations({ before: next ?? '' })).conversations).toHaveLength(1);
      });

      test('tells the sender who wants it that a message has arrived and was read', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        const receipts: object[] = [];
        a.client.on('receipt', (receipt) => receipts.push(receipt));
        const { serial } = await a.client.sendToUser(bob, 1, { receipt: true });
        await eventually(() => receipts).toHaveLength(1);
        expect(receipts).toMatchObject([{ from: { user: bob } }]);
        await b.client.markRead({ user: alice }, serial);
        await eventually(() => receipts.at(-1)).toMatchObject({ from: { user: bob }, read: serial });
        await eventually(() => a.client.history({ user: bob })).toMatchObject({ peer: { read: serial } });
      });

      test('tells a user’s other devices what the user has read, and nobody else', async () => {
        const [phone, laptop, b] = await Promise.all([readyDevice(alice), readyDevice(alice), readyDevice(bob)]);
        const told = [phone, laptop, b].map(({ client }) => {
          const markers: object[] = [];
          client.on('marker', (marker) => markers.push(marker));
          return markers;
        });
        const { serial: first } = await b.client.sendToUser(alice, 1);
        const { serial: second } = await b.client.sendToRoom(room, 2);
        await phone.client.markRead({ user: bob }, first);
        await phone.client.markRead({ user: bob }, first);
        await phone.client.markRead({ room }, second);
        const markers = [
          { conversation: { user: bob }, read: first },
          { conversation: { room }, read: second },
        ];
        await eventually(() => told).toEqual([[], markers, []]);
      });

      test('cannot be searched unless the installation indexes it', async () => {
        const a = await readyDevice(alice);
        await expect(a.client.search({ user: bob }, 'word')).rejects.toMatchObject({ code: 'search_disabled' });
      });
    });

    describe('a user', () => {
      test('who is blocked reaches the other no more', async () => {
        const [a, b] = await Promise.all([readyDevice(alice), readyDevice(bob)]);
        await b.client.block(alice);
        expect(await b.client.blocked()).toEqual([alice]);
        await expect(a.client.sendToUser(bob, 1)).rejects.toMatchObject({ code: 'not_accepted' });
        await b.client.unblock(alice);
        await a.client.sendToUser(bob, 2);
        await eventually(b.data).toEqual([2]);
      });

      test('whose tokens are revoked is told so, and the tokens open nothing any more', async () => {
        const b = await readyDevice(bob);
        const old = await system.token(bob);
        await system.manage({ revoke: { user: bob } });
        await eventually(() => b.client.state).toMatchObject({ status: 'recovering', reason: { code: 'revoked' } });
        await expect(openRaw(system, old)).rejects.toThrow('401');
      });

      test('whom an operator disconnects for good does not come back', async () => {
        const b = await readyDevice(bob);
        await system.manage({ disconnect: { user: bob, reason: 'Bye.' } });
        const reason = { code: 'disconnected', message: 'Bye.' };
        await eventually(() => b.client.state).toMatchObject({ status: 'failed', reason });
      });

      test('who is forgotten has no messages any more', async () => {
        await system.serve('billing', { user: bob }, 1);
        await system.manage({ forget: { user: bob } });
        const b = await readyDevice(bob);
        await system.serve('billing', { user: bob }, 2);
        await eventually(b.data).toEqual([2]);
      });
    });

    describe('a token', () => {
      test('that nobody has minted, or that has expired, opens no connection', async () => {
        await expect(openRaw(system, 'not.a.token')).rejects.toThrow('401');
        await expect(openRaw(system, await system.token(bob, { expiresInSeconds: -60 }))).rejects.toThrow('401');
      });

      test('is renewed without leaving the connection', async () => {
        let asked = 0;
        const getToken = () => {
          asked += 1;
          return system.token(bob, { expiresInSeconds: 8 });
        };
        const b = await readyDevice(bob, {}, { getToken });
        const { state } = b.client;
        await eventually(() => asked).toBeGreaterThan(1);
        await system.serve('billing', { user: bob }, 'still here');
        await eventually(b.data).toEqual(['still here']);
        expect(b.client.state).toEqual(state);
        expect(b.client.counters.connections).toBe(1);
      }, 30_000);

      test('that is newer changes what the connection may do', async () => {
        const b = await registered(bob);
        expect(await b.ask({ action: 'join', room })).toMatchObject({ type: 'joined', room });
        const token = await system.token(bob, { capability: { 'user:*': ['send'] } });
        expect(await b.ask({ action: 'register', attempt: 1, token })).toMatchObject({ type: 'registered', rooms: [] });
        expect(await b.ask({ action: 'join', room })).toMatchObject({ code: 'forbidden' });
        const others = await system.token(alice);
        expect(await b.ask({ action: 'register', attempt: 2, token: others })).toMatchObject({ code: 'invalid_token' });
      });
    });

    describe('a frame is refused', () => {
      test.each([
        ['invalid_json', '{"action":'],
        ['invalid_frame', '[]'],
        ['invalid_frame', '{}'],
        ['unknown_action', '{"action":"dance"}'],
        ['invalid_frame', '{"action":"join"}'],
        ['invalid_frame', '{"action":"join","room":"x","extra":1}'],
        ['invalid_frame', '{"action":"sendMessage","to":{"user":""},"data":1}'],
      ])('with %s: %s', async (code, text) => {
        const a = await registered(alice);
        a.send(text);
        await eventually(() => a.frames.at(-1)).toMatchObject({ type: 'error', code });
      });

      test('before the connection is registered', async () => {
        const a = await raw(alice);
        const asked = { action: 'sendMessage', to: { user: bob }, data: 1 };
        expect(await a.ask(asked)).toMatchObject({ type: 'error', code: 'not_registered', retryable: true });
      });

      test('when they come too fast, and says when to try again', async () => {
        const a = await registered(alice);
        const messages = Array.from({ length: 50 }, () => ({
          to: { user: bob },
          data: 1,
          ephemeral: true,
          echo: false,
        }));
        const replies: Frame[] = [];
        for (let frames = 0; frames < 30 && replies.at(-1)?.['type'] !== 'error'; frames += 1) {
          replies.push(await a.ask({ action: 'sendMessage', messages }));
        }
        expect(replies.at(-1)).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) });
        expect(replies.length).toBeGreaterThan(9);
      });

      test('and the connection closed, for one that is too large or binary', async () => {
        const [large, binary] = await Promise.all([registered(alice), registered(bob)]);
        large.send(JSON.stringify({ action: 'ping', id: 'x'.repeat(33 * 1024) }));
        expect(await large.closed).toBe(1009);
        binary.send(Uint8Array.of(1));
        expect(await binary.closed).toBe(1003);
      });

      test('with a cursor that is in the future', async () => {
        const a = await raw(alice);
        const cursor = '7ZZZZZZZZZ0000000000000000';
        expect(await a.ask({ action: 'register', cursor })).toMatchObject({ code: 'invalid_cursor' });
      });
    });
  });
}
