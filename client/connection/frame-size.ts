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
