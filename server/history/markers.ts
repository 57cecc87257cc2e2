import type { Markers } from '../../protocol/index.ts';
import type { Address } from '../address.ts';

/** Whose markers, and with whom. */
export interface MarkerKey {
  readonly userId: string;
  /** The other user, or the room. */
  readonly peer: Address;
}

/** How far users have come with the messages of others. Markers move forward only. */
export interface MarkerStore {
  /** The markers of each key, in their order. Strongly consistent. At most 100 keys. */
  read(keys: readonly MarkerKey[]): Promise<readonly Markers[]>;

  /** Moves a marker to `serial`. @returns the markers as they are then; nothing if it was there already, or further on */
  move(key: MarkerKey, marker: keyof Markers, serial: string): Promise<Markers | undefined>;
}
