import type { Message } from '../../protocol/index.ts';
import type { ServerClock } from '../base/server-clock.ts';
import { Cursor } from './cursor.ts';
import { createDedupe, type Dedupe } from './dedupe.ts';

/** How many messages to the user, and to each room, are remembered whatever their age. */
const MIN_COUNT = 10_000;
const MIN_COUNT_PER_ROOM = 1_000;

/** What a session knows about the messages to one address, its user or a room, across its connections. */
export class Feed {
  /** `undefined`: the messages are those to the user. */
  readonly room: string | undefined;
  readonly cursor: Cursor;
  readonly dedupe: Dedupe;
  /**
   * Messages with a lower serial were sent before the client joined the room. A resume begins an overlap before its cursor, and so
   * brings such messages. Empty: there is no such bound.
   */
  floor = '';
  /** How many messages the application has, and how many of them the server knows of. */
  shown = 0;
  told = 0;

  readonly clock: ServerClock;

  /** @param onMove Called whenever the cursor has another value. */
  constructor(clock: ServerClock, room?: string, onMove?: () => void) {
    this.clock = clock;
    this.room = room;
    this.cursor = new Cursor(onMove);
    this.dedupe = createDedupe(clock, this.cursor, room === undefined ? MIN_COUNT : MIN_COUNT_PER_ROOM);
  }

  /** Whether the application does not have the message yet. Asking counts as handing it over. */
  isNew(message: Message): boolean {
    const isNew = this.dedupe.isNew(message);
    if (isNew) this.shown += 1;
    return isNew;
  }

  /** A message that is about to be sent from here: a resume brings it as well, and the application has it. */
  addOwn(message: Pick<Message, 'from' | 'id'>): void {
    this.dedupe.addOwn(message);
    this.shown += 1;
  }

  /** Whether the application has messages that the server would give to the user's next client as well. */
  get hasNews(): boolean {
    return this.cursor.value !== undefined && this.told < this.shown;
  }
}
