import { Cursor } from './cursor.ts';
import { createDedupe, type Dedupe } from './dedupe.ts';
import type { Environment } from './environment.ts';

/** How many messages to the user, and to each room, are remembered whatever their age. */
const MIN_COUNT = 10_000;
const MIN_COUNT_PER_ROOM = 1_000;

/** What a session knows of the messages to its user, or of those to a room, for all its connections. */
export class Feed {
  /** `undefined`: the messages are those to the user. */
  readonly room: string | undefined;
  readonly cursor: Cursor;
  readonly dedupe: Dedupe;
  /**
   * What has a lower serial was sent before the room was joined. A resume begins an overlap before its cursor, and so
   * brings what nobody asked for.
   */
  floor = '';

  /** @param onMove Called whenever the cursor has another value. */
  constructor(environment: Pick<Environment, 'now'>, room?: string, onMove?: () => void) {
    this.room = room;
    this.cursor = new Cursor(onMove);
    this.dedupe = createDedupe(environment, this.cursor, room === undefined ? MIN_COUNT : MIN_COUNT_PER_ROOM);
  }
}
