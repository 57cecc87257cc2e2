import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { createFrameFilter, filterFrames } from '../../../../local/apigateway/frames.ts';
import { socketPair } from '../../../support/socket-pair.ts';

const LIMIT = 300;
const TEXT = 0x81;
const PING = 0x89;
const ENDLESS = [0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/** A masked frame, with its length in as few bytes as RFC 6455 asks, or in `lengthBytes`. */
function frame(
  payloadBytes: number,
  firstByte = TEXT,
  lengthBytes = payloadBytes < 126 ? 0 : payloadBytes < 65_536 ? 2 : 8,
) {
  const length = Buffer.alloc(lengthBytes);
  if (lengthBytes === 2) length.writeUInt16BE(payloadBytes);
  if (lengthBytes === 8) length.writeBigUInt64BE(BigInt(payloadBytes));
  const short = lengthBytes === 0 ? payloadBytes : lengthBytes === 2 ? 126 : 127;
  return Buffer.concat([Buffer.from([firstByte, 0x80 | short]), length, Buffer.alloc(4 + payloadBytes, 0x81)]);
}

function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const ends = [...positions.map((position) => position % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const payloadBytes = fc.oneof(fc.integer({ min: 0, max: LIMIT }), fc.constantFrom(0, 125, 126, LIMIT));
const cuts = fc.array(fc.nat(), { maxLength: 20 });

describe('createFrameFilter', () => {
  test('passes frames up to the limit, however they are cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(payloadBytes, { maxLength: 5 }), cuts, (sizes, positions) => {
        const filter = createFrameFilter(LIMIT);
        const sent = Buffer.concat(sizes.map((size) => frame(size)));
        expect(Buffer.concat(cut(sent, positions).map(filter))).toEqual(sent);
      }),
    );
  });

  test('puts an endless frame in the place of the first oversize one, and passes nothing more', () => {
    const oversize = fc.constantFrom(LIMIT + 1, 65_535, 65_536);
    fc.assert(
      fc.property(fc.array(payloadBytes, { maxLength: 3 }), oversize, cuts, (sizes, size, positions) => {
        const filter = createFrameFilter(LIMIT);
        const before = Buffer.concat(sizes.map((each) => frame(each)));
        const sent = Buffer.concat([before, frame(size), frame(1)]);
        expect(Buffer.concat(cut(sent, positions).map(filter))).toEqual(
          Buffer.concat([before, Buffer.from([TEXT, ...ENDLESS])]),
        );
      }),
    );
  });

  test.each([
    ['a length in more bytes than it needs', frame(LIMIT + 1, TEXT, 8)],
    ['a continuation', frame(LIMIT + 1, 0x80)],
    ['a binary frame', frame(LIMIT + 1, 0x82)],
  ])('counts %s', (_, bytes) => {
    expect([...createFrameFilter(LIMIT)(bytes)]).toEqual([bytes[0], ...ENDLESS]);
  });

  test('leaves control frames to ws', () => {
    const bytes = frame(LIMIT + 1, PING);
    expect(createFrameFilter(LIMIT)(bytes)).toEqual(bytes);
  });

  test('leaves unmasked frames to ws', () => {
    const bytes = Buffer.from([TEXT, 2, 0x68, 0x69, TEXT, 0x80, 1, 2, 3, 4]);
    expect(createFrameFilter(LIMIT)(bytes)).toEqual(bytes);
  });

  test('decides as soon as it has the header', () => {
    expect(createFrameFilter(LIMIT)(frame(LIMIT + 1).subarray(0, 4))).toHaveLength(10);
    expect(createFrameFilter(LIMIT)(frame(LIMIT).subarray(0, 4))).toHaveLength(4);
  });
});

describe('filterFrames', () => {
  const NO_HEAD = Buffer.alloc(0);
  const upperCase = (chunk: Buffer): Buffer => Buffer.from(chunk.toString().toUpperCase());
  const sockets: Socket[] = [];

  async function pair(): Promise<[Socket, Socket]> {
    const both = await socketPair();
    sockets.push(...both);
    return both;
  }

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  test('filters all reads, beginning with the earlier ones, and passes writes on', async () => {
    const [near, far] = await pair();
    const filtered = filterFrames(near, Buffer.from('head '), upperCase);
    far.end('body');
    filtered.end('answer');
    expect((await filtered.toArray()).join('')).toBe('HEAD BODY');
    expect((await far.toArray()).join('')).toBe('answer');
    if (!near.destroyed) await once(near, 'close');
  });

  test('does not read faster than it is read', async () => {
    const [near] = await pair();
    const filtered = filterFrames(near, Buffer.alloc(1024 * 1024, 'x'), upperCase);
    expect(near.isPaused()).toBe(true);
    filtered.resume();
    await once(near, 'resume');
  });

  test('tells how much is waiting for the other side', async () => {
    const [near, far] = await pair();
    const filtered = filterFrames(near, NO_HEAD, upperCase);
    far.pause();
    const chunk = Buffer.alloc(1024 * 1024);
    let count = 0;
    for (; filtered.writableLength < 4 * chunk.length; count += 1) filtered.write(chunk);
    filtered.end();
    let received = 0;
    for await (const part of far) received += part.length;
    expect(received).toBe(count * chunk.length);
    expect(filtered.writableLength).toBe(0);
  });

  test('fails and ends with the socket', async () => {
    const [near] = await pair();
    const filtered = filterFrames(near, NO_HEAD, upperCase);
    near.destroy(new Error('reset'));
    await expect(once(filtered, 'close')).rejects.toThrow('reset');
    const [other] = await pair();
    const ended = filterFrames(other, NO_HEAD, upperCase);
    other.destroy();
    await once(ended, 'close');
  });

  test('takes the socket with it', async () => {
    const [near] = await pair();
    filterFrames(near, NO_HEAD, upperCase).destroy();
    expect(near.destroyed).toBe(true);
  });
});
