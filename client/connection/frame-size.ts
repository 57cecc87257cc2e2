import { utf8Length } from '../../protocol/utf8.ts';
import type { Encode } from './requests.ts';

/** The longest correlation id that the client makes. */
export const LONGEST_FRAME_ID = '9'.repeat(10);

/** The bounds of a frame. */
export interface FrameBounds {
  /** The bytes of the frame without its items. */
  readonly emptyBytes: number;
  readonly maxBytes: number;
  readonly maxItems: number;
}

/**
 * Counts how many of the first items fit into one frame, with commas between them.
 * @param itemBytes The bytes of each item.
 */
export function countFitting(itemBytes: readonly number[], { emptyBytes, maxBytes, maxItems }: FrameBounds): number {
  let frameBytes = emptyBytes;
  const end = itemBytes.findIndex((bytes, index) => {
    frameBytes += bytes + (index > 0 ? 1 : 0);
    return index >= maxItems || frameBytes > maxBytes;
  });
  return end < 0 ? itemBytes.length : end;
}

/** The first items that fit into one frame, and at least one: if one item is too large, its frame is refused. */
export function takeFitting<T>(
  items: readonly T[],
  bounds: Pick<FrameBounds, 'maxBytes' | 'maxItems'>,
  encode: (items: readonly T[]) => Encode,
): readonly T[] {
  const emptyBytes = utf8Length(encode([])(LONGEST_FRAME_ID));
  const itemBytes = items.slice(0, bounds.maxItems).map((item) => utf8Length(JSON.stringify(item)));
  return items.slice(0, Math.max(countFitting(itemBytes, { ...bounds, emptyBytes }), 1));
}
