import fc from 'fast-check';
import { type Action, isUserId } from '../../protocol/index.ts';

const id = fc.stringMatching(/^[\w.:-]{1,64}$/);
/** A few names, so that frames find the items of earlier frames. */
const familiar = fc.constantFrom('mallory0', 'mallory1', 'attic', 'cellar', 'lobby');
const name = fc.oneof(
  { weight: 4, arbitrary: familiar },
  {
    weight: 1,
    arbitrary: fc.stringMatching(/^[\p{L}\p{N}#*:|@.-]{1,20}( [\p{L}\p{N}#*:|@.-]{1,10}){0,2}$/u).filter(isUserId),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('bob', 'user#bob', 'room#lobby', '*', '🎉', 'ﬀ', '__proto__', 'constructor'),
  },
);
/** Serials: the first one, one of some years ago, and one of any time. */
const cursor = fc.oneof(
  fc.constantFrom('0'.repeat(26), '01H'.padEnd(26, '0')),
  fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
);
const count = fc.integer({ min: 0, max: 1000 });
const conversation = fc.oneof(fc.record({ user: name }), fc.record({ room: name }));
const recipient = fc.oneof(conversation, fc.record({ users: fc.array(name, { minLength: 1, maxLength: 5 }) }));

/** Valid JSON for `data`: within the nesting limit. */
const data = fc.jsonValue({ maxDepth: 10 });

const messageFields = {
  id,
  data,
  to: recipient,
  ephemeral: fc.boolean(),
  ttlSeconds: fc.integer({ min: 1, max: 10_000_000 }),
  echo: fc.boolean(),
  receipt: fc.boolean(),
  retry: fc.boolean(),
};
const message = fc.record(messageFields, { requiredKeys: ['to', 'data'] });

type Frames = Readonly<Record<Action, fc.Arbitrary<object>>>;

function frame(action: Action, fields: Record<string, fc.Arbitrary<unknown>>, ...required: string[]) {
  const entries: Record<string, fc.Arbitrary<unknown>> = { action: fc.constant(action), id, ...fields };
  return fc.record(entries, { requiredKeys: ['action', ...required] });
}

const limit = fc.integer({ min: 1, max: 100 });
const users = fc.array(name, { minLength: 1, maxLength: 5 });
const mark = fc.record({ conversation, received: cursor, read: cursor }, { requiredKeys: ['conversation'] });

/** Valid frames of each action. */
export const validFrames: Frames = {
  register: frame('register', { cursor, after: cursor, attempt: count, token: fc.string({ maxLength: 50 }) }),
  sendMessage: fc.oneof(
    frame('sendMessage', messageFields, 'to', 'data'),
    frame('sendMessage', { messages: fc.array(message, { minLength: 1, maxLength: 5 }) }, 'messages'),
  ),
  join: frame('join', { room: name, cursor, after: cursor, attempt: count }, 'room'),
  leave: frame('leave', { room: name }, 'room'),
  history: frame('history', { conversation, before: cursor, after: cursor, limit }, 'conversation'),
  search: frame(
    'search',
    { conversation, text: fc.string({ maxLength: 50 }), before: cursor, limit },
    'conversation',
    'text',
  ),
  presence: fc.oneof(
    frame('presence', { users, watch: fc.boolean() }, 'users'),
    frame('presence', { room: name, watch: fc.boolean() }, 'room'),
  ),
  mark: frame('mark', { marks: fc.array(mark, { minLength: 1, maxLength: 5 }) }, 'marks'),
  block: fc.oneof(frame('block', { user: name, blocked: fc.boolean() }, 'user'), frame('block', { after: name })),
  unread: frame('unread', { conversations: fc.array(conversation, { minLength: 1, maxLength: 5 }) }, 'conversations'),
  ping: frame('ping', { cursor }),
};

/** Values that break code which expects another type, size or alphabet. */
const nasty = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\uD800',
    'a'.repeat(300),
    'a'.repeat(10_000),
    '../../etc/passwd',
    "' OR 1=1 --",
    -1,
    0,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER + 2,
    null,
    [],
    {},
    [[]],
    [null],
    { user: 'a', room: 'b' },
    { users: [] },
    { user: { user: 'a' } },
    'user#bob',
    ...[' ', ' bob', 'bob  ', 'bob\u3164', 'bob\uFE0F', 'bob\uFFFF'].map((user) => ({ user })),
    '7'.repeat(26),
    '8'.repeat(26),
    JSON.parse('['.repeat(500) + ']'.repeat(500)),
    JSON.parse('{"__proto__":{"admin":true}}'),
  ),
);

/** A frame with something replaced, added or removed at any depth. */
export function mutated(frames: fc.Arbitrary<object>): fc.Arbitrary<unknown> {
  const change = fc.tuple(fc.constantFrom('replace', 'add', 'remove'), fc.nat(), nasty, fc.string({ maxLength: 40 }));
  return fc
    .tuple(frames, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([valid, changes]) => changes.reduce<unknown>(applyChange, structuredClone(valid)));
}

type Change = readonly [kind: string, where: number, value: unknown, key: string];

function applyChange(frame: unknown, [kind, where, value, key]: Change): unknown {
  const places = objectsIn(frame);
  const place = places[where % Math.max(1, places.length)];
  if (!place) return frame;
  const keys = Object.keys(place);
  const chosen = kind === 'add' ? key : keys[where % Math.max(1, keys.length)];
  // A frame cannot contain the key `length` of an array.
  if (chosen === undefined || Object.getOwnPropertyDescriptor(place, chosen)?.configurable === false) return frame;
  if (kind === 'remove') delete place[chosen];
  else
    Object.defineProperty(place, chosen, {
      value: structuredClone(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return frame;
}

/** Goes as deep as Beckon's frames go. */
function objectsIn(value: unknown, depth = 6): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  const inner = Object.values(value).slice(0, 20);
  return [value as Record<string, unknown>, ...inner.flatMap((each) => objectsIn(each, depth - 1))];
}
