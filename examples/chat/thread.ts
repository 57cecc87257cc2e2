import type { Json, Markers, ReceivedMessage, SendResult } from '../../client/index.ts';
import { readMessage } from './chat-message.ts';
import type { Place } from './place.ts';
import { type Entry, entryKey, laterSerial, Timeline } from './timeline.ts';

/** The state of the loaded history. `next`: where the earlier pages begin; absent if there are none. */
export interface Loaded {
  readonly state: 'nothing' | 'loading' | 'loaded' | 'failed';
  readonly next?: string | undefined;
}

/** One conversation: its messages, and the markers of both sides. */
export class Thread {
  readonly place: Place;
  readonly timeline = new Timeline();
  /** The serials up to which the other user has received and read the user's messages. */
  peer: Markers = {};
  /** The serial up to which the user has read. */
  read: string | undefined;
  unread = 0;
  /** There may be more unread messages than `unread`. */
  hasMoreUnread = false;
  loaded: Loaded = { state: 'nothing' };
  /** Whether the history may have changed on the server since it was loaded. */
  isStale = false;
  /** The first message that was unread when the conversation was opened. */
  firstNew: string | undefined;
  /** Why the user is not in the room. `undefined`: the user is in it, or the place is no room. */
  outside: string | undefined;

  constructor(place: Place) {
    this.place = place;
  }

  /** Adds a message. @returns The entry, if it is new. */
  receive(message: ReceivedMessage<Json>, me: string): Entry | undefined {
    const entry = toEntry(message, me);
    return entry && this.timeline.put(entry) ? entry : undefined;
  }

  /** Records the server's result for a message that the user wrote on this page. */
  onAccepted(entry: Pick<Entry, 'author' | 'id'>, { serial, status }: SendResult): void {
    this.#update(entry, { serial, fate: { kind: 'accepted', isStored: status === 'stored' } });
  }

  onFailed(entry: Pick<Entry, 'author' | 'id'>, why: string): void {
    this.#update(entry, { fate: { kind: 'failed', why } });
  }

  onQueued(entry: Pick<Entry, 'author' | 'id'>): void {
    this.#update(entry, { fate: { kind: 'queued' } });
  }

  movePeer({ received, read }: Markers): void {
    const later = {
      received: laterSerial(this.peer.received, received),
      read: laterSerial(this.peer.read, read),
    };
    this.peer = {
      ...(later.received !== undefined && { received: later.received }),
      ...(later.read !== undefined && { read: later.read }),
    };
  }

  /** Drops the loaded history, because messages between its parts are missing. */
  forget(): void {
    this.timeline.forget();
    this.loaded = { state: 'nothing' };
  }

  /**
   * Returns the serial of the newest message of others.
   * @param last The key of the last message to consider. Default: the last message of the conversation.
   */
  newestOfOthers(last?: string): string | undefined {
    const { entries } = this.timeline;
    const end = last === undefined ? entries.length : entries.findIndex((entry) => entryKey(entry) === last) + 1;
    return entries.slice(0, end).findLast(({ isOwn, serial }) => !isOwn && serial !== undefined)?.serial;
  }

  /** Whether earlier messages exist that this page has neither loaded nor begun to load. */
  get canLoadEarlier(): boolean {
    return this.loaded.state === 'loaded' && this.loaded.next !== undefined;
  }

  /** Counts the loaded messages of others after a serial. Default: all of them. */
  countAfter(read = ''): number {
    return this.timeline.entries.filter(({ isOwn, serial = '' }) => !isOwn && serial > read).length;
  }

  #update(entry: Pick<Entry, 'author' | 'id'>, change: Partial<Entry>): void {
    const known = this.timeline.find(entryKey(entry));
    if (known) this.timeline.put({ ...known, ...change });
  }
}

/** Returns the entry of a message; `undefined` for a signal without text. */
function toEntry(message: ReceivedMessage<Json>, me: string): Entry | undefined {
  const { from, id, serial, sentAt, data } = message;
  const said = readMessage(data);
  if (!('text' in said)) return undefined;
  const isOwn = 'user' in from && from.user === me;
  return { author: 'user' in from ? from.user : from.service, id, serial, isOwn, text: said.text, sentAt };
}
