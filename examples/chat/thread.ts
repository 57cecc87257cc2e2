import type { Json, Markers, ReceivedMessage, SendResult } from '../../client/index.ts';
import { readMessage } from './chat-message.ts';
import type { Place } from './place.ts';
import { type Entry, entryKey, laterSerial, Timeline } from './timeline.ts';

/** The pages of the history that are here. `next`: from where there are earlier ones. */
export interface Loaded {
  readonly state: 'nothing' | 'loading' | 'loaded' | 'failed';
  readonly next?: string | undefined;
}

/** One conversation: what was said, and how far either side has come. */
export class Thread {
  readonly place: Place;
  readonly timeline = new Timeline();
  /** How far one's own messages have come with the other user. */
  peer: Markers = {};
  /** Up to where the user has read. */
  read: string | undefined;
  unread = 0;
  /** There may be more unread messages than `unread`. */
  hasMoreUnread = false;
  loaded: Loaded = { state: 'nothing' };
  /** What the server may know about it has not been asked for since the connection was lost. */
  isStale = false;
  /** The first message that was unread when the conversation was opened. */
  firstNew: string | undefined;
  /** Why the user is not in the room. `undefined`: they are, or there is no room. */
  outside: string | undefined;

  constructor(place: Place) {
    this.place = place;
  }

  /** @returns The message if it was not there. */
  receive(message: ReceivedMessage<Json>, me: string): Entry | undefined {
    const entry = toEntry(message, me);
    return entry && this.timeline.put(entry) ? entry : undefined;
  }

  /** What the server did with a message that was written here. */
  onAccepted(entry: Pick<Entry, 'author' | 'id'>, { serial, status }: SendResult): void {
    this.#update(entry, { serial, fate: { kind: 'accepted', isStored: status === 'stored' } });
  }

  onFailed(entry: Pick<Entry, 'author' | 'id'>, why: string): void {
    this.#update(entry, { fate: { kind: 'failed', why } });
  }

  onQueued(entry: Pick<Entry, 'author' | 'id'>): void {
    this.#update(entry, { fate: { kind: 'queued' } });
  }

  movePeer({ delivered, read }: Markers): void {
    const later = {
      delivered: laterSerial(this.peer.delivered, delivered),
      read: laterSerial(this.peer.read, read),
    };
    this.peer = {
      ...(later.delivered !== undefined && { delivered: later.delivered }),
      ...(later.read !== undefined && { read: later.read }),
    };
  }

  /** Messages are missing that nobody brings: the history begins anew. */
  forget(): void {
    this.timeline.forget();
    this.loaded = { state: 'nothing' };
  }

  /**
   * The serial of the newest message of others.
   * @param last The key of the last message to look at. Default: that of all.
   */
  newestOfOthers(last?: string): string | undefined {
    const { entries } = this.timeline;
    const end = last === undefined ? entries.length : entries.findIndex((entry) => entryKey(entry) === last) + 1;
    return entries.slice(0, end).findLast(({ isOwn, serial }) => !isOwn && serial !== undefined)?.serial;
  }

  /** Whether there are earlier messages that are not here, and nobody is loading them. */
  get canLoadEarlier(): boolean {
    return this.loaded.state === 'loaded' && this.loaded.next !== undefined;
  }

  /** How many messages of others are here that come after a serial. Default: how many there are. */
  countAfter(read = ''): number {
    return this.timeline.entries.filter(({ isOwn, serial = '' }) => !isOwn && serial > read).length;
  }

  #update(entry: Pick<Entry, 'author' | 'id'>, change: Partial<Entry>): void {
    const known = this.timeline.find(entryKey(entry));
    if (known) this.timeline.put({ ...known, ...change });
  }
}

/** `undefined` for what is not said but signalled. */
function toEntry(message: ReceivedMessage<Json>, me: string): Entry | undefined {
  const { from, id, serial, sentAt, data } = message;
  const said = readMessage(data);
  if (!('text' in said)) return undefined;
  const isOwn = 'user' in from && from.user === me;
  return { author: 'user' in from ? from.user : from.service, id, serial, isOwn, text: said.text, sentAt };
}
