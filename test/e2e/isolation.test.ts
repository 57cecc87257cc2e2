import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import type { Message, SendResult } from '../../protocol/index.ts';
import { ACTIONS, ISOLATION, type Row, SITUATIONS, type Situation, type Target } from '../support/actions.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { arrived, type Frame, isPush, messagesIn, outcomeOf } from '../support/wire-frames.ts';

// Alice and bob talk to each other and in the room "vault". No operation may show any of it to another user.

const OPERATIONS = ['join', 'send', 'history', 'presence'];
/** A room with the name of the pair of alice and bob. */
const PAIR_ROOM = '["alice","bob"]';
const INSIDER = { 'user:*': OPERATIONS, 'room:vault': OPERATIONS };
const EVE = { 'user:alice': OPERATIONS, 'user:bob': OPERATIONS, [`room:${PAIR_ROOM}`]: OPERATIONS };

/** The secret words of alice and bob. No other frame contains them. */
const SECRETS = { pair: 'quicksilver', room: 'obsidian', later: 'vermilion', blocked: 'malachite' };

/** The lifetime of the tokens that expire: long enough to join and to watch. */
const BRIEF_SECONDS = 12;

let cloud: LocalCloud;
let alice: WireClient;
let bob: WireClient;
let eve: WireClient;
/** The serial of bob's last message to alice: her marker, which no other user may learn. */
let read: string;
const targets = {} as Record<Situation, Target>;
const clients = {} as Record<Situation, ReadonlyMap<Row, WireClient>>;
/** Connections that are registered, in the vault, and watching until their tokens end. */
let stale: WireClient;
let expelled: WireClient;
let staleSaw = 0;
/** A connection that shows when the tokens have expired. */
let brief: WireClient;
const attackers: WireClient[] = [];
let seenBefore: unknown;

beforeAll(async () => {
  const app = inject('searchApp');
  cloud = await startLocalCloud({ app, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  [alice, bob] = await Promise.all([insider('alice'), insider('bob')]);
  const first = await say(alice, 'alice', { user: 'bob' }, SECRETS.pair, 'shared');
  await say(alice, 'alice', { room: 'vault' }, SECRETS.room, 'shared');
  read = await say(bob, 'bob', { user: 'alice' }, SECRETS.pair);
  await alice.ask({ action: 'mark', marks: [{ conversation: { user: 'bob' }, read }] });
  await alice.ask({ action: 'block', user: SECRETS.blocked, blocked: true });
  await vi.waitFor(async () => {
    expect(await alice.ask(searchFor({ user: 'bob' }))).toMatchObject({ messages: [{}, {}] });
    expect(await alice.ask(searchFor({ room: 'vault' }))).toMatchObject({ messages: [{}] });
  }, SOON);

  const place = { user: 'bob', users: ['bob', 'alice'], room: 'vault', cursor: first, id: 'shared' };
  const target = async (sub: string, more: Partial<Target> = {}): Promise<Target> => ({
    sub,
    token: await cloud.token({ sub, capability: INSIDER }),
    ...place,
    ...more,
  });
  targets.own = await target('alice');
  targets.others = { ...targets.own, sub: 'eve', room: PAIR_ROOM };
  targets.ungranted = await target('hidden', { sub: 'eve', user: 'hidden', users: ['bob', 'hidden'] });
  for (const each of ['expired', 'revoked', 'revokedBefore', 'unregistered'] as const)
    targets[each] = await target(each);

  const own = await insider('alice');
  eve = await device('eve', EVE);
  attackers.push(eve);
  stale = await insider('stale', { expiresInSeconds: BRIEF_SECONDS });
  expelled = await insider('expelled');
  clients.own = new Map(ISOLATION.map((row) => [row, own]));
  clients.others = new Map(ISOLATION.map((row) => [row, eve]));
  clients.ungranted = clients.others;
  clients.expired = await connections('expired', device, { expiresInSeconds: BRIEF_SECONDS });
  brief = await device('expired', INSIDER, { expiresInSeconds: BRIEF_SECONDS });
  clients.revoked = await connections('revoked', device);
  clients.revokedBefore = await connections('revokedBefore', open);
  clients.unregistered = await connections('unregistered', open);
}, 120_000);

afterAll(async () => {
  await cloud.close();
});

const SOON = { timeout: 20_000, interval: 50 };

async function open(sub: string, capability: object, claims: object = {}): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub, capability, ...claims })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

async function device(...who: Parameters<typeof open>): Promise<WireClient> {
  const client = await open(...who);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered', userId: who[0] });
  return client;
}

/** Opens a connection in the vault that watches the vault and the user `hidden`. */
async function insider(sub: string, claims: object = {}): Promise<WireClient> {
  const client = await device(sub, INSIDER, claims);
  expect(await client.ask({ action: 'join', room: 'vault' })).toMatchObject({ type: 'joined' });
  for (const watched of [{ users: ['hidden'] }, { room: 'vault' }]) {
    expect(await client.ask({ action: 'presence', watch: true, ...watched })).toMatchObject({ type: 'presence' });
  }
  return client;
}

/** How many operations share a connection before the server closes it. */
const SHARED_BY = 9;

/** One user's connections for all operations. Each `register` has one of its own, because it changes the connection's rights. */
async function connections(sub: Situation, connect: typeof open, claims: object = {}) {
  const opened = new Map<Row, WireClient>();
  const share = async (rows: readonly Row[]) => {
    const client = await connect(sub, INSIDER, claims);
    attackers.push(client);
    for (const row of rows) opened.set(row, client);
  };
  const registers = (row: Row) => row.frame(targets[sub]).action === 'register';
  const others = ISOLATION.filter((row) => !registers(row));
  for (const row of ISOLATION.filter(registers)) await share([row]);
  for (let at = 0; at < others.length; at += SHARED_BY) await share(others.slice(at, at + SHARED_BY));
  return opened;
}

/** Returns the message's serial. */
async function say(client: WireClient, by: string, to: object, secret: string, id?: string): Promise<string> {
  const message = { to, data: { by, text: `the secret is ${secret}` }, ...(id && { id }) };
  const ack = await client.ask({ action: 'sendMessage', messages: [message] });
  const [result] = ack['results'] as SendResult[];
  if (!result?.serial) throw new Error(json(ack));
  return result.serial;
}

const json = (value: unknown) => JSON.stringify(value);
/** The author of a message, according to its data. */
const writerOf = ({ data }: Message) => (data as { by?: string }).by ?? '';
const isFrom = ({ from }: Message, user: string) => 'user' in from && from.user === user;
const isBye = ({ type }: Frame) => type === 'bye';
const searchFor = (conversation: object) => ({ action: 'search', conversation, text: 'secret' });

/** Finds data in frames that only alice and bob may see, and presence that the token does not allow. */
function leaksIn(frames: readonly Frame[]): readonly string[] {
  const forbidden = [...Object.values(SECRETS), read, '"user":"hidden"'];
  return frames
    .filter((frame) => forbidden.some((secret) => json(frame).includes(secret)) || tellsOfVault(frame))
    .map(json);
}

const tellsOfVault = ({ type, room }: Frame) => type === 'presence' && room === 'vault';

function clientOf(situation: Situation, row: Row): WireClient {
  const client = clients[situation].get(row);
  if (!client) throw new Error(`there is no connection for ${row.operation}`);
  return client;
}

/** The reply, or the last frame before the server closed the connection. */
function answer(client: WireClient, frame: Frame): Promise<Frame> {
  return Promise.race([client.ask(frame), client.closed.then(() => client.frame(isBye))]);
}

/** Tests all rows of one situation in turn. */
function everyOperation(situation: Exclude<Situation, 'own' | 'revoked'>): void {
  test.each(ISOLATION)('$operation', async (row) => {
    const client = clientOf(situation, row);
    const seen = client.frames.length;
    expect(outcomeOf(await answer(client, row.frame(targets[situation])))).toBe(row.outcomes[situation]);
    expect(leaksIn(client.frames.slice(seen))).toEqual([]);
  });
}

async function manage(event: object): Promise<void> {
  const FunctionName = cloud.outputs['Beckon']?.['ManageFunctionName'];
  const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) });
  const { FunctionError, Payload } = await new LambdaClient(adminClient(cloud)).send(command);
  expect(FunctionError, Payload?.transformToString()).toBeUndefined();
}

/** Returns what alice and bob see of each other. Other users must not change it. */
async function seenByThem(): Promise<unknown> {
  const theirs = (reply: Frame) => ({
    ...reply,
    id: undefined,
    messages: messagesIn(reply).filter((message) => ['alice', 'bob'].includes(writerOf(message))),
  });
  const conversations = [{ user: 'alice' }, { user: 'bob' }, { room: 'vault' }];
  const seen: unknown[] = [];
  for (const client of [alice, bob]) {
    for (const conversation of conversations) seen.push(theirs(await client.ask({ action: 'history', conversation })));
    seen.push((await client.ask({ action: 'unread', conversations }))['conversations']);
    seen.push((await client.ask({ action: 'block' }))['users']);
  }
  for (const sub of ['alice', 'bob']) {
    const another = await device(sub, INSIDER);
    seen.push(theirs(another.frames[0] ?? {}).messages);
    another.socket.close();
  }
  return seen;
}

test.each(Object.entries(ACTIONS))('the table has operations of %s', (action, { rows }) => {
  expect(new Set(rows.map(({ frame }) => frame(targets.own).action))).toEqual(new Set([action]));
});

describe(SITUATIONS.own, () => {
  test.each(ISOLATION)('$operation', async (row) => {
    const reply = await clientOf('own', row).ask(row.frame(targets.own));
    expect(outcomeOf(reply)).toBe(row.outcomes.own);
    if (row.shows) expect(json(reply)).toContain(SECRETS[row.shows]);
  });
});

describe(SITUATIONS.others, () => {
  beforeAll(async () => {
    seenBefore = await seenByThem();
  });
  everyOperation('others');
});

describe(SITUATIONS.ungranted, () => everyOperation('ungranted'));

describe(SITUATIONS.unregistered, () => everyOperation('unregistered'));

describe(SITUATIONS.revokedBefore, () => {
  beforeAll(() => manage({ revoke: { user: 'revokedBefore' } }));
  everyOperation('revokedBefore');
});

describe(SITUATIONS.revoked, () => {
  const late = new Map<Row, Promise<Frame>>();
  beforeAll(async () => {
    // A client that ignores `bye` sends one more frame before the server closes the connection.
    for (const row of ISOLATION) {
      const client = clientOf('revoked', row);
      late.set(
        row,
        client.frame(isBye).then(() => client.ask(row.frame(targets.revoked))),
      );
    }
    await Promise.all(['revoked', 'expelled'].map((user) => manage({ revoke: { user } })));
  });

  test.each(ISOLATION)('$operation', async (row) => {
    const client = clientOf('revoked', row);
    expect(row.outcomes.revoked).toBe('closed');
    const reply = await Promise.race([late.get(row), client.closed.then(() => undefined)]);
    if (reply) expect(['not_registered', 'connection_removed']).toContain(outcomeOf(reply));
    await client.closed;
    expect(client.frames.filter(isBye)).toMatchObject([{ code: 'revoked' }]);
    expect(leaksIn(client.frames)).toEqual([]);
  });
});

describe(SITUATIONS.expired, () => {
  beforeAll(async () => {
    await vi.waitFor(
      async () => expect(outcomeOf(await brief.ask({ action: 'register' }))).toBe('token_expired'),
      SOON,
    );
    staleSaw = stale.frames.length;
  });
  everyOperation('expired');
});

describe('a user who claims to be another user', () => {
  const asEve = ISOLATION.map((row) => ({ ...row, asked: (): Frame => row.frame(targets.others) }));

  test.each(asEve)('$operation: the frame has no field for the sender', async ({ asked }) => {
    // The server would close one connection that sent all of these.
    const forger = await device('eve', EVE);
    attackers.push(forger);
    const fields = ['from', 'userId', 'sub', 'connectionId', 'user'];
    // In `block`, `user` is the blocked user, never the owner of the inbox.
    for (const field of asked()['action'] === 'block' ? fields.slice(0, -1) : fields) {
      const reply = await forger.ask({ ...asked(), [field]: 'alice' });
      expect(reply).toMatchObject({ code: 'invalid_frame', message: `unknown field "${field}"` });
      const messages = (asked()['messages'] as object[] | undefined)?.map((each) => ({ ...each, [field]: 'alice' }));
      if (messages) expect(outcomeOf(await forger.ask({ ...asked(), messages }))).toBe('invalid_frame');
    }
    forger.socket.close();
  });

  test('reaches recipients under their real id, whatever the frame says', async () => {
    const data = { by: 'eve', from: { user: 'alice' }, userId: 'alice', sub: 'alice' };
    const sent = [{ user: 'bob' }, { users: ['bob', 'alice'] }, { user: 'bob' }].map((to, index) => ({
      to,
      data,
      id: `forged-${index}`,
      echo: true,
      retry: index === 2,
    }));
    expect(await eve.ask({ action: 'sendMessage', messages: sent })).toMatchObject({ type: 'ack' });
    for (const { id } of sent) {
      await bob.frame((frame) => messagesIn(frame).some((message) => message.id === id && isFrom(message, 'eve')));
    }
  });

  const NAMES = [
    'room#vault',
    'user#alice',
    'alice#',
    'presence#room#vault',
    'state#user#alice',
    `search#${PAIR_ROOM}`,
    PAIR_ROOM,
    'Alice',
  ];

  test.each(NAMES)('under the name %j, of a user and of a room, reaches no other user', async (name) => {
    const client = await device(name, { 'user:*': OPERATIONS, [`room:${name}`]: OPERATIONS });
    attackers.push(client);
    const target = { ...targets.others, sub: name, user: name, users: [name], room: name };
    for (const row of ISOLATION.filter(({ frame }) => frame(target)['token'] === undefined)) {
      expect(outcomeOf(await client.ask(row.frame(target))), row.operation).toBe(row.outcomes.others);
    }
    expect(await client.ask({ action: 'history', conversation: { room: 'vault' } })).toMatchObject({
      code: 'forbidden',
    });
    expect(leaksIn(client.frames)).toEqual([]);
  });
});

describe('afterwards', () => {
  test('alice and bob still see the same of each other', async () => {
    expect(await seenByThem()).toEqual(seenBefore);
  });

  test('new messages and presence reach alice and bob, and no other user', async () => {
    const hidden = await insider('hidden');
    for (const place of [undefined, 'vault']) {
      await alice.frame(
        (frame) => isPush(frame, 'presence') && frame['room'] === place && /"hidden"/.test(json(frame)),
      );
    }
    for (const to of [{ user: 'bob' }, { room: 'vault' }, { users: ['stale', 'expelled', 'bob'] }]) {
      const serial = await say(alice, 'alice', to, SECRETS.later);
      await bob.frame((frame) => messagesIn(frame).some((message) => message.serial === serial));
    }
    const twin = await insider('alice');
    const marker = await say(bob, 'bob', { room: 'vault' }, SECRETS.later);
    const conversation = { room: 'vault' };
    await alice.ask({ action: 'mark', marks: [{ conversation, read: marker }] });
    const isMarker = (frame: Frame) => isPush(frame, 'marker') && frame['read'] === marker;
    expect(await twin.frame(isMarker)).toEqual({ type: 'marker', conversation, read: marker });
    expect(json(hidden.frames)).toContain(SECRETS.later);
    await Promise.all([...attackers, stale].map(arrived));
    expect(attackers.flatMap(({ frames }) => leaksIn(frames))).toEqual([]);
    await Promise.all([alice, bob, hidden].map(arrived));
    expect([alice, bob, hidden, ...attackers].flatMap(({ frames }) => frames.filter(isMarker))).toEqual([]);
    expect(stale.frames.slice(staleSaw).filter(({ type, id }) => id === undefined && type !== 'bye')).toEqual([]);
    await expelled.closed;
    expect(json(expelled.frames)).not.toContain(SECRETS.later);
  });

  test('every frame that alice and bob got was for them, from its real sender', () => {
    for (const [client, user] of [
      [alice, 'alice'],
      [bob, 'bob'],
    ] as const) {
      const messages = client.frames.filter((frame) => isPush(frame, 'messages')).flatMap(messagesIn);
      expect(messages.map(writerOf)).toContain('eve');
      for (const message of messages) {
        expect(message.from).toEqual({ user: writerOf(message) });
        // The user's own messages are copies for the user's other devices.
        if (writerOf(message) !== user) expect([{ user }, { room: 'vault' }]).toContainEqual(message.to);
        if ('room' in message.to) expect(['alice', 'bob']).toContain(writerOf(message));
      }
    }
  });
});
