import { decodeTime, encodeTime } from 'ulid';
import { OVERLAP_MS } from '../protocol/index.ts';

/** Mints a serial for a moment (epoch milliseconds): a ULID above all that it has minted before. */
export type MintSerial = (epochMs: number) => string;

/** The length of a ULID's time, and of its random part. */
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

/** The lowest serial of a moment (epoch milliseconds): a cursor before all messages of that moment and later. */
export function serialFloor(epochMs: number): string {
  return encodeTime(Math.max(0, epochMs), TIME_LENGTH) + '0'.repeat(RANDOM_LENGTH);
}

/** The moment of a serial or cursor, in epoch milliseconds. */
export function serialTime(serial: string): number {
  return decodeTime(serial);
}

/** Whether a cursor is in the future: no clock of the server can have given it. */
export function isInFuture(cursor: string, nowMs: number): boolean {
  return serialTime(cursor) > nowMs + OVERLAP_MS;
}
