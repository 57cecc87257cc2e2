import { Duplex } from 'node:stream';

/** Returns the part of a client's next bytes that may pass. */
export type FrameFilter = (chunk: Buffer) => Buffer;

const NOTHING: Buffer = Buffer.alloc(0);
const MASK_BIT = 0x80;
const MASK_BYTES = 4;
/** Continuation, text, binary. All others are control frames, which ws itself limits to 125 bytes. */
const LAST_DATA_OPCODE = 0x2;

interface FrameHeader {
  readonly byteLength: number;
  readonly isData: boolean;
  readonly payloadBytes: number;
  readonly maskBytes: number;
}

/**
 * Limits single frames: ws limits whole messages only. From an oversize frame on, it passes nothing but the header of an
 * endless frame. ws fails on that one with 1009, exactly at the place of the oversize frame: after the messages before it,
 * and before its payload has arrived.
 */
export function createFrameFilter(maxFrameBytes: number): FrameFilter {
  let heldBack = NOTHING;
  let payloadLeft = 0;
  let failed = false;
  return (chunk) => {
    if (failed) return NOTHING;
    const bytes = heldBack.length > 0 ? Buffer.concat([heldBack, chunk]) : chunk;
    let position = 0;
    while (position < bytes.length) {
      const skipped = Math.min(payloadLeft, bytes.length - position);
      position += skipped;
      payloadLeft -= skipped;
      const header = payloadLeft > 0 ? undefined : readHeader(bytes, position);
      if (header === undefined) break;
      if (header.isData && header.payloadBytes > maxFrameBytes) {
        failed = true;
        return Buffer.concat([bytes.subarray(0, position), endlessFrameHeader(bytes.readUInt8(position))]);
      }
      position += header.byteLength;
      payloadLeft = header.maskBytes + header.payloadBytes;
    }
    heldBack = bytes.subarray(position);
    return bytes.subarray(0, position);
  };
}

/** RFC 6455, section 5.2. Undefined while the header is incomplete. */
function readHeader(bytes: Buffer, start: number): FrameHeader | undefined {
  if (bytes.length < start + 2) return undefined;
  const isData = (bytes.readUInt8(start) & 0x0f) <= LAST_DATA_OPCODE;
  const second = bytes.readUInt8(start + 1);
  const maskBytes = (second & MASK_BIT) === 0 ? 0 : MASK_BYTES;
  const shortLength = second & 0x7f;
  const byteLength = shortLength === 127 ? 10 : shortLength === 126 ? 4 : 2;
  if (bytes.length < start + byteLength) return undefined;
  const payloadBytes =
    byteLength === 10
      ? Number(bytes.readBigUInt64BE(start + 2))
      : byteLength === 4
        ? bytes.readUInt16BE(start + 2)
        : shortLength;
  return { byteLength, isData, payloadBytes, maskBytes };
}

function endlessFrameHeader(firstByte: number): Buffer {
  return Buffer.from([firstByte, MASK_BIT | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
}

/** Wraps `socket` so that every chunk passes through `filter`, beginning with `head`, which was read already. */
export function filterFrames(socket: Duplex, head: Buffer, filter: FrameFilter): Duplex {
  const filtered = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    // ws writes a frame's header and payload corked. One write makes one packet of them.
    writev: (entries, done) => void socket.write(Buffer.concat(entries.map(({ chunk }) => chunk)), done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  const receive = (chunk: Buffer): void => {
    const passed = filter(chunk);
    if (passed.length > 0 && !filtered.push(passed)) socket.pause();
  };
  socket.on('data', receive);
  socket.on('end', () => void filtered.push(null));
  socket.on('error', (error) => void filtered.destroy(error));
  socket.on('close', () => void filtered.destroy());
  if (head.length > 0) receive(head);
  return filtered;
}
