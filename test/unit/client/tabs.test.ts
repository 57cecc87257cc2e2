import { afterEach, describe, expect, it, vi } from 'vitest';
import { RoomsPresenceHistory } from '../../../client/calls/rooms-presence-history.ts';
import { SessionClient } from '../../../client/client.ts';
import type { ConnectOptions } from '../../../client/options.ts';
import { serialFloor } from '../../../server/serial.ts';
import { dataOf, openNext } from '../../support/client-session.ts';
import {
  ClientWorld,
  messageAt,
  sentResult,
  settle,
  testOptions,
  type WorldOptions,
} from '../../support/client-world.ts';
import { type BrowserOptions, FakeBrowser, type Page, tokenOf } from '../../support/pages.ts';
import { WebLocks } from '../../support/web-locks.ts';

/** Pages of one browser that share a connection, of which the first is registered at the server's moment 1,000,000. */
async function share(count: number, options: Partial<ConnectOptions> = {}, browserOptions: BrowserOptions = {}) {
  const browser = new FakeBrowser(browserOptions);
  const open = () => browser.open({ shareAcrossTabs: true, ...options });
  const leader = open();
  const socket = await connect(leader, 1_000_000);
  const followers: Page[] = [];
  while (followers.length < count - 1) followers.push(open());
  await settle();
  return { browser, open, leader, socket, followers: followers as [Page, ...Page[]] };
}

async function connect({ world }: Page, atMs: number) {
  const socket = await openNext(world);
  socket.page([], { cursor: serialFloor(atMs) });
  await settle();
  return socket;
}

describe('tabs that share', () => {
  it('have one socket between them, and are all connected', async () => {
    const { leader, followers } = await share(3);
    for (const { client, world } of followers) {
      expect(client.state).toEqual(leader.client.state);
      expect(client.state.status).toBe('connected');
      expect(world.sockets).toHaveLength(0);
    }
  });

  it('each hand each message over once, in order', async () => {
    const { leader, socket, followers } = await share(3);
    socket.push(messageAt(1_001_000), messageAt(1_002_000));
    socket.push(messageAt(1_001_000), messageAt(1_003_000));
    await settle();
    for (const { ids } of [leader, ...followers]) expect(ids).toEqual(['1001000', '1002000', '1003000']);
  });

  it('each send, and each get their own answer', async () => {
    const { leader, socket, followers } = await share(2);
    const [follower] = followers;
    const own = leader.client.sendToUser('bob', 'of the leader');
    await settle();
    socket.acknowledge();
    expect(await own).toMatchObject({ id: 'page1-3' });
    const others = [1, '"id":"0"'].map((data) => follower.client.sendToUser('bob', data));
    await settle();
    expect(dataOf(socket)).toEqual([1, '"id":"0"']);
    socket.acknowledge();
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(['sent', 'sent']);
    const wrong = follower.client.sendToUser('', 2);
    await settle();
    socket.refuse('sendMessage', 'invalid_frame');
    await expect(wrong).rejects.toMatchObject({ name: 'BeckonError', code: 'invalid_frame' });
    await expect(follower.client.sendToUser('bob', () => {})).rejects.toBeInstanceOf(TypeError);
  });

  it('tell of gaps, states and markers in each, but of errors only where they happened', async () => {
    const { leader, socket, followers } = await share(2);
    const [follower] = followers;
    const told = vi.fn();
    for (const event of ['gap', 'state', 'marker'] as const) follower.client.on(event, (value) => told(event, value));
    socket.end(1001);
    await settle();
    expect(told).toHaveBeenLastCalledWith('state', leader.client.state);
    expect(follower.client.state).toMatchObject({ status: 'recovering', reason: { closeCode: 1001 } });
    await leader.world.advance(500);
    const next = await openNext(leader.world);
    next.register({}, 0, { recovered: false });
    await settle();
    expect(told).toHaveBeenCalledWith('gap', { sinceMs: 1_000_000 });
    expect(follower.client.state.status).toBe('connected');
    next.receive({ type: 'marker', conversation: { user: 'bob' }, read: '1' });
    await settle();
    expect(told).toHaveBeenCalledWith('marker', { conversation: { user: 'bob' }, read: '1' });
    next.receive({ type: 'error', code: 'internal', message: 'failed', retryable: true });
    await settle();
    expect([leader.errors.length, follower.errors.length]).toEqual([1, 0]);
  });

  it('hold back what they send while the leader has no connection', async () => {
    const { leader, socket, followers } = await share(2);
    socket.end();
    await settle();
    const sent = followers[0].client.sendToUser('bob', 1);
    await leader.world.advance(500);
    const next = await connect(leader, 1_000_000);
    next.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('send again what was on its way when the connection broke', async () => {
    const { leader, socket, followers } = await share(2);
    const sent = followers[0].client.sendToUser('bob', 1);
    await settle();
    expect(socket.count('sendMessage')).toBe(1);
    socket.end();
    await leader.world.advance(500);
    const next = await connect(leader, 1_000_000);
    expect(next.last('sendMessage')['messages']).toMatchObject([{ data: 1, retry: true }]);
    next.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('are of one user: somebody else has a connection of their own', async () => {
    const { browser } = await share(2);
    const other = browser.open({ shareAcrossTabs: true, getToken: () => tokenOf('carol') });
    await other.world.accept();
    expect(other.client.state.status).toBe('connected');
  });

  it.each<[string, Partial<ConnectOptions>, BrowserOptions]>([
    ['no Web Locks', {}, { hasLocks: false }],
    ['not been asked to', { shareAcrossTabs: false }, {}],
  ])('are none where they have %s', async (_, options, browserOptions) => {
    const browser = new FakeBrowser(browserOptions);
    for (const page of [1, 2].map(() => browser.open({ shareAcrossTabs: true, ...options }))) {
      await page.world.accept();
      expect(page.client.state.status).toBe('connected');
    }
  });

  const refused = new DOMException('refused', 'SecurityError');
  const refuse = () => {
    throw refused;
  };
  const openChannel = () => ({ postMessage: () => {}, close: () => {}, onmessage: null });
  it.each<[string, WorldOptions]>([
    ['locks are refused', { locks: { request: () => Promise.reject(refused) }, openChannel }],
    ['asking for locks throws', { locks: { request: refuse }, openChannel }],
    ['there can be no channel', { locks: new WebLocks().page(), openChannel: () => undefined }],
  ])('have connections of their own where %s', async (_, worldOptions) => {
    const world = new ClientWorld(worldOptions);
    const client = new SessionClient(
      testOptions({ shareAcrossTabs: true, getToken: () => tokenOf('alice') }),
      world.loaders,
      world,
    );
    const socket = await world.accept();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    socket.end();
    await world.advance(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });
});

describe('when the leader goes', () => {
  it.each<[string, (page: Page) => unknown]>([
    ['closes its client', ({ client }) => client.close()],
    ['crashes', (page) => page.crash()],
  ])('because it %s, the next one connects at once, from where it was', async (_, go) => {
    const { leader, socket, followers } = await share(3);
    const [follower, other] = followers as [Page, Page];
    const states: string[] = [];
    follower.client.on('state', ({ status }) => states.push(status));
    socket.push(messageAt(1_001_000));
    await settle();
    await go(leader);
    await settle();
    const next = await openNext(follower.world);
    expect(next.last('register')['cursor']).toBe(messageAt(1_001_000).serial);
    next.page([messageAt(1_001_000), messageAt(1_002_000)]);
    await settle();
    next.push(messageAt(1_003_000));
    await settle();
    for (const { ids } of [follower, other]) expect(ids).toEqual(['1001000', '1002000', '1003000']);
    expect(states).toEqual(['recovering', 'connected']);
    expect(other.client.state).toEqual(follower.client.state);
    expect(other.world.sockets).toHaveLength(0);
  });

  it('what the others had sent goes through the next one, under the same ids', async () => {
    const { leader, socket, followers } = await share(3);
    const [follower, other] = followers as [Page, Page];
    const first = follower.client.sendToUser('bob', 'of the next leader');
    const second = other.client.sendToUser('bob', 'of another');
    await settle();
    expect(socket.count('sendMessage')).toBe(2);
    await leader.crash();
    const next = await connect(follower, 1_000_000);
    const frames = next.sent.filter(({ action }) => action === 'sendMessage');
    expect(frames.flatMap((frame) => frame['messages'])).toMatchObject([
      { id: expect.stringMatching(/^page2-/), retry: true },
      { id: expect.stringMatching(/^page3-/), retry: true },
    ]);
    for (const frame of frames)
      next.receive({
        type: 'ack',
        id: frame.id,
        results: (frame['messages'] as { id: string }[]).map(({ id }) => sentResult(id)),
      });
    await expect(Promise.all([first, second])).resolves.toHaveLength(2);
  });

  it('what it had queued itself is sent by the next one, out of the storage', async () => {
    const { leader, socket, followers } = await share(2);
    socket.end();
    void leader.client.sendToUser('bob', 'left').catch(() => {});
    await leader.leave();
    const next = await connect(followers[0], 1_000_000);
    await settle();
    expect(next.last('sendMessage')['messages']).toMatchObject([{ data: 'left', retry: true }]);
    next.acknowledge();
    await settle();
    expect(followers[0].lateResults).toMatchObject([{ result: { status: 'sent' } }]);
  });

  it('its own calls are rejected, and the calls of the others are not', async () => {
    const { leader, followers } = await share(2);
    const [follower] = followers;
    const own = leader.client.sendToUser('bob', 1);
    const other = follower.client.sendToUser('bob', 2);
    await settle();
    leader.client.close();
    await expect(own).rejects.toMatchObject({ code: 'closed' });
    const next = await connect(follower, 1_000_000);
    await settle();
    expect(dataOf(next)).toContain(2);
    next.acknowledge();
    await expect(other).resolves.toMatchObject({ status: 'sent' });
  });

  it('one that follows is closed like any other', async () => {
    const { followers, socket } = await share(2);
    const [{ client }] = followers;
    const sent = client.sendToUser('bob', 1);
    await settle();
    expect(socket.count('sendMessage')).toBe(1);
    client.close();
    await expect(sent).rejects.toMatchObject({ code: 'closed', maybeDelivered: true });
    expect(client.state.status).toBe('closed');
  });

  it('with the last of them, nothing is left', async () => {
    const { browser, leader, followers } = await share(2);
    followers[0].client.close();
    leader.client.close();
    await settle();
    expect(browser.locks?.held).toEqual([]);
    for (const { world } of [leader, followers[0]]) expect([world.timers, world.watchers]).toEqual([0, 0]);
  });

  it('asks for a fresh token', async () => {
    const getToken = vi.fn(() => tokenOf('alice'));
    const { leader, followers } = await share(2, { getToken });
    expect(getToken).toHaveBeenCalledTimes(2);
    await leader.crash();
    await connect(followers[0], 1_000_000);
    expect(getToken).toHaveBeenCalledTimes(3);
  });
});

describe('when the leader hangs', () => {
  /** How long until the others have noticed: they ask every ten seconds, and wait for five. */
  const NOTICED_MS = 15_000;

  async function shareWithHung(count: number) {
    const shared = await share(count);
    const { goOn } = shared.leader.hang();
    return { ...shared, goOn };
  }

  /** One that follows has been given a message, which nothing stores, before it hangs. */
  async function shareWithHungFollower() {
    const shared = await share(2, { storage: 'memory' });
    const [follower] = shared.followers;
    const gaps: unknown[] = [];
    follower.client.on('gap', (gap) => gaps.push(gap));
    shared.socket.push(messageAt(1_001_000));
    await settle();
    const { goOn } = follower.hang();
    return { ...shared, follower, gaps, goOn };
  }

  it('the next one takes the connection over, from where it was, and sends what was on its way', async () => {
    const { socket, followers } = await shareWithHung(3);
    const [follower, other] = followers as [Page, Page];
    const sent = follower.client.sendToUser('bob', 'said meanwhile');
    await follower.world.advance(NOTICED_MS);
    const next = await openNext(follower.world);
    expect(next.last('register')['cursor']).toBe(serialFloor(1_000_000));
    next.page([messageAt(1_001_000)]);
    await settle();
    expect(next.last('sendMessage')['messages']).toMatchObject([{ data: 'said meanwhile', retry: true }]);
    next.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    for (const { ids } of [follower, other]) expect(ids).toEqual(['1001000']);
    expect(other.client.state).toEqual(follower.client.state);
    expect([other.world.sockets.length, socket.count('sendMessage')]).toEqual([0, 0]);
  });

  it('a page that is looked at again does not wait for its turn to ask', async () => {
    const { followers } = await shareWithHung(2);
    const [{ world }] = followers;
    world.wake();
    await world.advance(5_000);
    expect(world.sockets).toHaveLength(1);
  });

  it('one that comes then is not kept waiting', async () => {
    const { open } = await shareWithHung(1);
    const { world } = open();
    await settle();
    await world.advance(5_000);
    expect(world.sockets).toHaveLength(1);
  });

  it('it follows when it goes on: one connection is left, and nobody has lost or doubled anything', async () => {
    const { leader, socket, followers, goOn } = await shareWithHung(3);
    const [follower, other] = followers as [Page, Page];
    await follower.world.advance(NOTICED_MS);
    const next = await connect(follower, 1_001_000);
    next.push(messageAt(1_002_000));
    await goOn();
    expect(socket.closedWith).toBe(1000);
    expect(leader.client.state).toEqual(follower.client.state);
    next.push(messageAt(1_003_000));
    const sent = leader.client.sendToUser('bob', 1);
    await settle();
    for (const { ids } of [follower, other]) expect(ids).toEqual(['1002000', '1003000']);
    expect(leader.ids).toEqual(['1002000', '1003000']);
    next.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    for (const { client } of [leader, other]) expect(client.state).toEqual(follower.client.state);
  });

  it('it leads again when the one that took over is gone', async () => {
    const { leader, followers, goOn } = await shareWithHung(2);
    const [follower] = followers;
    await follower.world.advance(NOTICED_MS);
    await connect(follower, 1_001_000);
    await goOn();
    await follower.crash();
    await connect(leader, 1_001_000);
    expect(leader.client.state.status).toBe('connected');
    expect(leader.world.sockets.filter(({ closedWith }) => closedWith === undefined)).toHaveLength(1);
  });

  it('one that was replaced by a tab without a past gives what is at hand: nobody is told of a gap', async () => {
    const { browser, leader, socket, follower, gaps, goOn } = await shareWithHungFollower();
    socket.push(messageAt(1_002_000));
    const late = browser.open({ shareAcrossTabs: true, storage: 'memory' });
    await settle();
    await leader.crash();
    // The lock is the other one’s, who hangs.
    await late.world.advance(NOTICED_MS);
    await connect(late, 1_003_000);
    await goOn();
    expect([follower.ids, gaps]).toEqual([['1001000', '1002000'], []]);
    expect(late.ids).toEqual([]);
  });

  it('one that leads and has not been connected yet cannot tell what there was: that is a gap', async () => {
    const { browser, leader, gaps, goOn } = await shareWithHungFollower();
    await leader.crash();
    const late = browser.open({ shareAcrossTabs: true, storage: 'memory' });
    await settle();
    await late.world.advance(NOTICED_MS);
    await goOn();
    expect(gaps).toEqual([{}]);
  });

  it('is not what a leader does that answers, nor what one asks that leads', async () => {
    const { leader, followers } = await share(2);
    const [follower] = followers;
    for (let turns = 0; turns < 10; turns += 1) await follower.world.advance(NOTICED_MS);
    expect(follower.world.sockets).toHaveLength(0);
    leader.client.close();
    const socket = await connect(follower, 1_000_000);
    follower.world.wake();
    socket.pong();
    await follower.world.advance(2 * NOTICED_MS);
    expect(follower.world.sockets).toHaveLength(1);
    expect([socket.closedWith, follower.client.state.status]).toEqual([undefined, 'connected']);
  });
});

describe('a tab that comes back', () => {
  it('is given what came meanwhile, before anything younger, and nothing that it has seen', async () => {
    const { open, socket, followers } = await share(2);
    socket.push(messageAt(1_001_000));
    await settle();
    await followers[0].leave();
    socket.push(messageAt(1_002_000));
    const back = open();
    await settle();
    socket.push(messageAt(1_003_000));
    await settle();
    expect(back.ids).toEqual(['1002000', '1003000']);
  });

  it('gets everything in order, at whatever moment of its coming something is sent', async () => {
    const { open, socket, followers } = await share(2);
    let [back] = followers;
    for (let turns = 0; turns < 60; turns += 1) {
      await back.leave();
      socket.push(messageAt(2_000_000 + 2 * turns));
      back = open();
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      socket.push(messageAt(2_000_001 + 2 * turns));
      await settle();
      expect(back.ids, `after ${turns} turns`).toEqual([2_000_000, 2_000_001].map((id) => String(id + 2 * turns)));
    }
  });

  it('is told of a gap when more came meanwhile than is at hand', async () => {
    const { open, socket, followers } = await share(2);
    const gaps: unknown[] = [];
    await followers[0].leave();
    socket.push(...Array.from({ length: 1_001 }, (_, index) => messageAt(1_200_000 + index)));
    const back = open();
    back.client.on('gap', (gap) => gaps.push(gap));
    await settle();
    expect(gaps).toEqual([{}]);
    expect(back.ids).toHaveLength(1_000);
  });

  it('is told of a gap that there was meanwhile', async () => {
    const { leader, open, socket, followers } = await share(2);
    const gaps: unknown[] = [];
    socket.push(messageAt(1_001_000));
    await settle();
    await followers[0].leave();
    socket.end();
    await leader.world.advance(500);
    const next = await openNext(leader.world);
    next.page([messageAt(1_200_000)], { recovered: false, cursor: serialFloor(1_200_000) });
    await settle();
    const back = open();
    back.client.on('gap', (gap) => gaps.push(gap));
    await settle();
    expect(gaps).toEqual([{}]);
    expect(back.ids).toEqual(['1200000']);
  });

  it('and has seen nothing yet begins with what comes from now on', async () => {
    const { open, socket } = await share(1, { storage: 'memory' });
    socket.push(messageAt(1_001_000));
    const late = open();
    await settle();
    socket.push(messageAt(1_002_000));
    await settle();
    expect(late.ids).toEqual(['1002000']);
  });
});

describe('other calls', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Tabs whose leader answers one of the calls as the test wants it to. */
  async function shareCalls() {
    const started = await share(2);
    const calls: unknown[][] = [];
    let answer: (...args: unknown[]) => unknown = (...args) => args;
    vi.spyOn(RoomsPresenceHistory.prototype, 'history').mockImplementation(function history(
      this: unknown,
      ...args: unknown[]
    ) {
      calls.push([this === undefined, ...args]);
      return answer(...args) as Promise<never>;
    });
    return {
      ...started,
      calls,
      answerWith: (other: typeof answer) => {
        answer = other;
      },
      look: (page: Page, ...args: unknown[]) =>
        (page.client as unknown as { history(...values: unknown[]): Promise<unknown> }).history(...args),
    };
  }

  it('are done by the leader, whoever makes them', async () => {
    const { leader, followers, look, answerWith } = await shareCalls();
    answerWith(async (room) => ({ room, members: new Set(['bob']) }));
    for (const page of [leader, followers[0]]) {
      expect(await look(page, 'lobby')).toEqual({ room: 'lobby', members: new Set(['bob']) });
    }
  });

  it('are rejected with what the leader’s client has thrown', async () => {
    const { followers, look, answerWith } = await shareCalls();
    const { BeckonError } = await import('../../../client/errors.ts');
    const told = { maybeDelivered: true, retryable: true, retryAfterMs: 250 };
    answerWith(() => Promise.reject(new BeckonError('not_registered', 'not you', told)));
    const refused = look(followers[0], 1);
    await expect(refused).rejects.toMatchObject({ code: 'not_registered', message: 'not you', ...told });
    await expect(refused).rejects.toBeInstanceOf(BeckonError);
    answerWith(() => {
      throw new TypeError('wrong');
    });
    await expect(look(followers[0], 1)).rejects.toThrow(new TypeError('wrong'));
    await expect(look(followers[0], () => {})).rejects.toMatchObject({ name: 'DataCloneError' });
  });

  it('keep their signal in their tab', async () => {
    const { followers, look, answerWith, calls } = await shareCalls();
    answerWith(() => new Promise(() => {}));
    const controller = new AbortController();
    const call = look(followers[0], 'lobby', { limit: 1, signal: controller.signal });
    await settle();
    expect(calls).toEqual([[false, 'lobby', { limit: 1 }]]);
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await expect(look(followers[0], { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('are made again of the next leader, and rejected when their own client is closed', async () => {
    const { leader, followers, look, answerWith, calls } = await shareCalls();
    answerWith(() => new Promise(() => {}));
    const call = look(followers[0], 'lobby');
    await settle();
    answerWith(() => 'here');
    leader.client.close();
    await expect(call).resolves.toBe('here');
    expect(calls).toHaveLength(2);

    const { followers: others, look: lookAgain, answerWith: answer } = await shareCalls();
    answer(() => new Promise(() => {}));
    const waiting = lookAgain(others[0], 'lobby');
    await settle();
    others[0].client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await expect(lookAgain(others[0], 'lobby')).rejects.toMatchObject({ code: 'closed' });
  });

  it('wait until it is known who leads', async () => {
    const { open, look } = await shareCalls();
    const early = open();
    await expect(look(early, 'lobby')).resolves.toEqual(['lobby']);
  });
});
