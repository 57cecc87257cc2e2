import { describe, expect, test } from 'vitest';
import { checkFrame, checkMessage, correlationId, ERROR_CODES, isUserId, parseJson } from '../../../protocol/index.ts';

const frame = (text: string): unknown => JSON.parse(text);
const DATA = { text: 'hi' };

describe('frames that are right', () => {
  test.each([
    ['register', '{"action":"register"}'],
    ['register', '{"action":"register","id":"r-1"}'],
    ['ping', '{"action":"ping","id":"p.1:2_3-4"}'],
    ['ping', '{"action":"ping","cursor":"01KAJ4Q0Q80000000000000000"}'],
    ['register', '{"action":"register","cursor":"01KAJ4Q0Q80000000000000000","attempt":3}'],
    [
      'sendMessage',
      '{"action":"sendMessage","to":{"user":"bob"},"data":1,"ephemeral":false,"ttlSeconds":60,"echo":true,"retry":true}',
    ],
    ['sendMessage', '{"action":"sendMessage","to":{"user":"bob"},"data":null}'],
    ['sendMessage', '{"action":"sendMessage","to":{"user":"bob"},"data":"aGk=","encoding":"base64"}'],
    ['sendMessage', '{"action":"sendMessage","to":{"user":"auth0|5f7c"},"data":{"__proto__":{"a":1}},"id":"m1"}'],
    ['sendMessage', '{"action":"sendMessage","to":{"users":["bob","Jürgen 🎈"]},"data":[1,"x",false]}'],
    ['sendMessage', '{"action":"sendMessage","id":"f1","messages":[{"anything":"goes, each is judged by itself"}]}'],
  ] as const)('%s: %s', (action, text) => {
    expect(checkFrame(action, frame(text))).toEqual({ ok: true, value: frame(text) });
  });
});

describe('frames that are wrong are told what is wrong, at the field that has it', () => {
  const long = 'u'.repeat(10 * 1024);
  test.each([
    ['register', '[]', 'the frame must be a JSON object'],
    ['register', 'null', 'the frame must be a JSON object'],
    ['register', '{"action":"register","from":"x"}', 'unknown field "from"'],
    ['register', '{"action":"register","cursor":"x"}', '"cursor" must be a cursor or a serial, as the server gave it'],
    ['register', '{"action":"register","attempt":-1}', '"attempt" must be at least 0'],
    ['register', '{"action":"register","attempt":1e308}', '"attempt" must be at most 9007199254740991'],
    ['ping', '{"action":"ping","cursor":7}', '"cursor" must be a string'],
    ['register', '{"action":"register","__proto__":{}}', 'unknown field "__proto__"'],
    ['register', '{"action":"register","id":7}', '"id" must be a string'],
    ['ping', `{"action":"ping","id":"${'i'.repeat(65)}"}`, '"id" must have at most 64 characters'],
    ['ping', '{"action":"ping","id":"no spaces"}', '"id" must consist of letters, digits, "_", ".", ":" and "-"'],
    ['sendMessage', '{"action":"sendMessage","data":1}', '"to" is required'],
    [
      'sendMessage',
      '{"action":"sendMessage","to":"bob","data":1}',
      '"to" must be {"user": "…"}, {"users": ["…"]} or {"room": "…"}',
    ],
    ['sendMessage', '{"action":"sendMessage","to":{"user":""},"data":1}', '"to.user" must not be empty'],
    [
      'sendMessage',
      `{"action":"sendMessage","to":{"user":"${long}"},"data":1}`,
      '"to.user" must have at most 256 characters',
    ],
    [
      'sendMessage',
      '{"action":"sendMessage","to":{"user":"a\\u0000b"},"data":1}',
      '"to.user" must consist of visible characters, and single spaces (U+0020) between them',
    ],
    [
      'sendMessage',
      '{"action":"sendMessage","to":{"user":"\\ud800"},"data":1}',
      '"to.user" must consist of visible characters, and single spaces (U+0020) between them',
    ],
    ['sendMessage', '{"action":"sendMessage","to":{"user":"a","room":"b"},"data":1}', 'unknown field "to.user"'],
    [
      'sendMessage',
      '{"action":"sendMessage","to":{"user":"bob"},"data":1,"encoding":"GZIP,base64"}',
      '"encoding" must be names of lower-case letters and digits, separated by "/"',
    ],
    ['sendMessage', '{"action":"sendMessage","to":{"users":[]},"data":1}', '"to.users" must name at least one user'],
    ['sendMessage', '{"action":"sendMessage","to":{"users":["a",5]},"data":1}', '"to.users.1" must be a string'],
    [
      'sendMessage',
      `{"action":"sendMessage","to":{"users":${JSON.stringify(Array(101).fill('a'))}},"data":1}`,
      '"to.users" must name at most 100 users',
    ],
    ['sendMessage', '{"action":"sendMessage","to":{"user":"bob"}}', '"data" is required'],
    ['sendMessage', '{"action":"sendMessage","to":{"user":"bob"},"data":1,"keep":false}', 'unknown field "keep"'],
    [
      'sendMessage',
      '{"action":"sendMessage","to":{"user":"bob"},"data":1,"ephemeral":"no"}',
      '"ephemeral" must be true or false',
    ],
    [
      'sendMessage',
      '{"action":"sendMessage","to":{"user":"bob"},"data":1,"ttlSeconds":0}',
      '"ttlSeconds" must be at least 1',
    ],
    ['sendMessage', '{"action":"sendMessage","messages":[]}', '"messages" must hold at least one message'],
    [
      'sendMessage',
      `{"action":"sendMessage","messages":${JSON.stringify(Array(51).fill({}))}}`,
      '"messages" must hold at most 50 messages',
    ],
    ['sendMessage', '{"action":"sendMessage","messages":[{}],"to":{"user":"bob"}}', 'unknown field "to"'],
  ] as const)('%s: %s', (action, text, message) => {
    expect(checkFrame(action, frame(text))).toEqual({
      ok: false,
      problem: { code: 'invalid_frame', message, retryable: false },
    });
  });
});

test('a message of a batch is held against the same rules', () => {
  expect(checkMessage({ to: { user: 'bob' }, data: DATA })).toMatchObject({ ok: true });
  expect(checkMessage({ to: { user: 'bob' }, data: DATA, action: 'sendMessage' })).toMatchObject({
    problem: { message: 'unknown field "action"' },
  });
  expect(checkMessage('hi')).toMatchObject({ problem: { message: 'the message must be a JSON object' } });
});

test('text that is not JSON is a value, not an exception', () => {
  expect(parseJson('{"action":')).toMatchObject({ ok: false, problem: { code: 'invalid_json' } });
  expect(parseJson('')).toMatchObject({ ok: false });
});

test('the correlation id of a wrong frame is found where it can be', () => {
  expect(correlationId({ id: 'f1', nonsense: 1 })).toBe('f1');
  for (const wrong of [{ id: 5 }, { id: 'x'.repeat(65) }, null, [], 'f1', {}])
    expect(correlationId(wrong)).toBeUndefined();
});

test('a user id is a text of 1 to 256 code units', () => {
  for (const id of ['a', 'x'.repeat(256), 'user#1', '__proto__']) expect(isUserId(id)).toBe(true);
  for (const id of ['', 'x'.repeat(257), 5, null, undefined, {}, ['a']]) expect(isUserId(id)).toBe(false);
});

test('each error code says what to do in whole sentences', () => {
  for (const { message } of Object.values(ERROR_CODES)) expect(message).toMatch(/^[A-Z].*\.$/);
});
