import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { bytesOf, encodeJson, isBlob } from '../../../protocol/index.ts';

class Note {
  readonly text = 'hi';
  readonly #secret = 1;
  get secret() {
    return this.#secret;
  }
}

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

describe('what JSON would lose or change is refused, and where it is', () => {
  test.each<[string, unknown, string]>([
    ['undefined', undefined, '"data": Undefined'],
    ['a function', () => {}, '"data": Function'],
    ['a symbol', Symbol('x'), '"data": Symbol'],
    ['a BigInt', 10n, '"data": BigInt'],
    ['NaN', Number.NaN, '"data": NaN'],
    ['infinity', { price: Number.NEGATIVE_INFINITY }, '"data.price": -Infinity'],
    ['a function in an object', { on: { click: () => {} } }, '"data.on.click": Function'],
    ['a symbol in an array', [[1, Symbol('x')]], '"data.0.1": Symbol'],
    ['undefined in an array', { list: ['a', undefined] }, '"data.list.1": Undefined'],
    // biome-ignore lint/suspicious/noSparseArray: it is what the test is about.
    ['a hole in an array', [, 1], '"data.0": Undefined'],
    ['a BigInt in an object', { id: 10n }, '"data.id": BigInt'],
    ['a toJSON that gives nothing', { a: { toJSON() {} } }, '"data.a": Undefined'],
    ['a toJSON that gives nothing at the top', { toJSON() {} }, '"data": Undefined'],
    ['a toJSON that gives a Map', { toJSON: () => ({ m: new Map() }) }, '"data.m": Map'],
    ['a date that is none', { when: new Date(Number.NaN) }, '"data.when": Invalid Date'],
    ['a Map', new Map([['a', 1]]), '"data": Map'],
    ['a Set', { tags: new Set(['a']) }, '"data.tags": Set'],
    ['a promise', { text: Promise.resolve('hi') }, '"data.text": Promise'],
    ['an Error', { error: new RangeError('x') }, '"data.error": Error'],
    ['a regular expression', /x/, '"data": RegExp'],
    ['bytes in an object', { picture: Uint8Array.of(1) }, '"data.picture": Uint8Array'],
    ['a Buffer of Node in an object', { picture: Buffer.from('x') }, '"data.picture": Uint8Array'],
    ['a buffer in an object', { picture: new ArrayBuffer(1) }, '"data.picture": ArrayBuffer'],
    ['a Blob in an array', [new Blob([])], '"data.0": Blob'],
    ['search parameters', new URLSearchParams('a=1'), '"data": URLSearchParams'],
    ['a number that is none, in a box', Object(Number.NaN), '"data": NaN'],
    ['behind what is good', { a: { b: [1, { c: 1 }] }, d: 10n }, '"data.d": BigInt'],
    ['a Map of another realm', runInContext('({ m: new Map() })', createContext()), '"data.m": Map'],
  ])('%s', (_, data, told) => {
    expect(() => encodeJson(data)).toThrow(new TypeError(`The data must be JSON or bytes. Found at ${told}`));
  });

  test('what has no end', () => {
    expect(() => encodeJson({ a: cyclic })).toThrow(TypeError);
    expect(() => encodeJson({ a: cyclic })).toThrow(/circular/);
  });

  test('what throws when it is looked at', () => {
    const data = {
      get a() {
        throw new RangeError('mine');
      },
    };
    expect(() => encodeJson(data)).toThrow(new RangeError('mine'));
  });
});

describe('the rest is taken as JSON takes it', () => {
  const once = { toJSON: () => `${++asked}` };
  let asked = 0;
  test.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['text', 'a"b\ud800', '"a\\"b\\ud800"'],
    ['what is in a box', [Object(1), Object('x'), Object(false)], '[1,"x",false]'],
    ['a negative zero', -0, '0'],
    ['a large number', 2 ** 53 + 2, '9007199254740994'],
    ['a field that is undefined', { a: undefined, b: 1 }, '{"b":1}'],
    ['a date', { when: new Date(0) }, '{"when":"1970-01-01T00:00:00.000Z"}'],
    ['a URL', new URL('https://a.example'), '"https://a.example/"'],
    ['an instance of a class', new Note(), '{"text":"hi"}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['an object of another realm', runInContext('({ a: [1, "x"] })', createContext()), '{"a":[1,"x"]}'],
    ['a key that objects have', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    ['the same object twice', [once, once].map(() => ({ a: 1 })), '[{"a":1},{"a":1}]'],
    ['what has a toJSON, asked once', [once], '["1"]'],
    ['keys that are symbols', { [Symbol('x')]: 1 }, '{}'],
  ])('%s', (_, data, json) => {
    expect(encodeJson(data)).toBe(json);
  });

  test('a BigInt that has a toJSON, too', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = function (this: bigint) {
      return this.toString();
    };
    try {
      expect(encodeJson({ id: 10n })).toBe('{"id":"10"}');
    } finally {
      delete prototype.toJSON;
    }
  });
});

describe('bytes', () => {
  test.each<[string, unknown, readonly number[]]>([
    ['a Uint8Array', Uint8Array.of(1, 2), [1, 2]],
    ['a part of a buffer', new Uint8Array(Uint8Array.of(9, 1, 2, 9).buffer, 1, 2), [1, 2]],
    ['an ArrayBuffer', Uint8Array.of(1, 2).buffer, [1, 2]],
    ['a DataView', new DataView(Uint8Array.of(9, 1).buffer, 1), [1]],
    ['another view', Uint16Array.of(0x0201), [1, 2]],
    ['a Buffer of Node', Buffer.from([1, 2]), [1, 2]],
    ['shared memory', new SharedArrayBuffer(2), [0, 0]],
    ['a buffer of another realm', runInContext('new Uint8Array([1, 2]).buffer', createContext()), [1, 2]],
    ['a view of another realm', runInContext('new Uint8Array([1, 2])', createContext()), [1, 2]],
  ])('are copied out of %s', (_, data, bytes) => {
    const copy = bytesOf(data);
    expect([...(copy ?? [])]).toEqual(bytes);
    expect(copy).toBeInstanceOf(Uint8Array);
    if (ArrayBuffer.isView(data)) new Uint8Array(data.buffer).fill(7);
    expect([...(copy ?? [])]).toEqual(bytes);
  });

  test('are in nothing else; of a Blob they have to be read', () => {
    for (const data of [null, 1, 'x', [1], { length: 1 }, new Blob([])]) expect(bytesOf(data)).toBeUndefined();
    expect([new Blob([]), new File([], 'x'), {}, null, Uint8Array.of(1)].map(isBlob)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
