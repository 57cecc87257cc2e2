import type { ConnectionState } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';
import { Composer } from './composer.ts';
import { deliveryOf } from './delivery.ts';
import { find } from './dom.ts';
import type { History } from './history.ts';
import { logItems } from './log-items.ts';
import { LogView } from './log-view.ts';
import { keyOf, type Place, titleOf } from './place.ts';
import type { PresenceBook } from './presence-book.ts';
import type { Reading } from './reading.ts';
import { RoomWatch } from './room-watch.ts';
import type { Rooms } from './rooms.ts';
import { SearchPanel } from './search-panel.ts';
import type { Sending } from './sending.ts';
import type { Thread } from './thread.ts';
import { ThreadHeader } from './thread-header.ts';
import { type Entry, entryKey } from './timeline.ts';
import { TypingSignal, type Typists } from './typing.ts';
import { describeTyping } from './words.ts';

/** The most messages to load at once on the way to a search result. */
const JUMP_MESSAGES = 100;

export interface OpenThreadHost {
  readonly client: ChatClient;
  readonly me: string;
  readonly signal: AbortSignal;
  readonly history: History;
  readonly sending: Sending;
  readonly presence: PresenceBook;
  readonly rooms: Rooms;
  readonly typists: Typists;
  readonly reading: Reading;
  onChange(thread: Thread): void;
  onError(error: unknown): void;
  /** The user chose another conversation from within this one. */
  onPlace(place: Place): void;
  onClosed(thread: Thread): void;
  onLeave(thread: Thread): void;
}

/** The open conversation, if any. */
export class OpenThread {
  readonly search: SearchPanel;
  readonly #host: OpenThreadHost;
  readonly #header: ThreadHeader;
  readonly #log: LogView;
  readonly #composer: Composer;
  readonly #typing: TypingSignal;
  readonly #attendance: RoomWatch;
  readonly #earlier = find('#earlier', HTMLButtonElement);
  readonly #empty = find('#empty', HTMLElement);
  /** The drafts, by the key of the conversation. */
  readonly #drafts = new Map<string, string>();
  #thread: Thread | undefined;
  #isStale = false;

  constructor(host: OpenThreadHost) {
    this.#host = host;
    const { client, me, signal, onError } = host;
    this.#typing = new TypingSignal(client);
    this.#attendance = new RoomWatch({ client, signal, onError, onChange: () => this.#refresh() });
    this.#header = new ThreadHeader({
      signal,
      onBack: () => this.#goBack(),
      onLeave: () => this.#thread && host.onLeave(this.#thread),
      onRejoin: () => this.#rejoin(),
      onPerson: (user) => host.onPlace({ user }),
    });
    this.#log = new LogView({
      signal,
      onEarlier: () => this.#thread?.canLoadEarlier && void this.#loadEarlier(),
      onScroll: () => this.look(),
      onAgain: (key) => this.#thread && host.sending.again(this.#thread, key),
    });
    this.#composer = new Composer({
      signal,
      onSend: (text) => this.#say(text),
      onInput: (text) => this.#thread && this.#typing.onInput(this.#thread.place, text, Date.now()),
    });
    this.search = new SearchPanel({ client, me, signal, onFound: (serial) => void this.#reveal(serial) });
    this.#earlier.addEventListener('click', () => void this.#loadEarlier(), { signal });
    this.#showFrame();
  }

  get thread(): Thread | undefined {
    return this.#thread;
  }

  show(thread: Thread): void {
    if (thread !== this.#thread) this.#begin(thread);
    // On a phone, the keyboard would cover the messages.
    const canType = !('service' in thread.place) && !matchMedia('(pointer: coarse)').matches;
    if (canType) this.#composer.focus();
    else this.#header.focus();
  }

  close(): void {
    const thread = this.#thread;
    if (!thread) return;
    this.#typing.stop();
    this.#drafts.set(keyOf(thread.place), this.#composer.draft);
    thread.firstNew = undefined;
    this.#thread = undefined;
    this.search.open(undefined);
    void this.#attendance.watch(undefined);
    this.#showFrame();
  }

  /** Closes the conversation permanently, and clears all drafts and content from the page. */
  end(): void {
    this.close();
    this.#drafts.clear();
    this.#header.clear();
    this.#log.clear('Messages');
    this.#composer.show(false);
  }

  /** Loads what may be missing. */
  reload(): void {
    if (this.#thread) void this.#load(this.#thread);
  }

  /** Whether the user sees a new message of this conversation at once. */
  isSeen(thread: Thread): boolean {
    return thread === this.#thread && this.#host.reading.isLooking && this.#log.isAtEnd;
  }

  /** The user looks at the page: the visible messages and all earlier ones count as read. */
  look(): void {
    const thread = this.#thread;
    // The start of the new messages is unknown until they are loaded.
    if (!thread || (isAwaited(thread) && !('service' in thread.place))) return;
    const last = this.#log.isAtEnd ? undefined : this.#log.lastInView;
    if (this.#host.reading.look(thread, thread.newestOfOthers(last))) this.#host.onChange(thread);
  }

  /** A new message arrived that the user has not seen. */
  onUnseen(thread: Thread, entry: Entry): void {
    if (thread === this.#thread && thread.unread === 0) thread.firstNew = entryKey(entry);
  }

  onChange(thread: Thread): void {
    if (thread === this.#thread) this.#refresh();
  }

  onTyping(place: Place): void {
    const thread = this.#thread;
    if (!thread || keyOf(thread.place) !== keyOf(place)) return;
    this.#composer.showTyping(describeTyping(this.#host.typists.at(place)));
  }

  onState(state: ConnectionState): void {
    this.#composer.showState(state);
    find('#chat', HTMLElement).dataset['connected'] = String(state.status === 'connected');
    this.#refresh();
  }

  #begin(thread: Thread): void {
    this.close();
    this.#thread = thread;
    const { place } = thread;
    const isService = 'service' in place;
    this.#showFrame();
    this.#header.open(place);
    this.#log.clear(`Messages with ${titleOf(place)}`);
    this.#composer.show(!isService, this.#drafts.get(keyOf(place)));
    this.search.open(isService ? undefined : place);
    void this.#attendance.watch('room' in place ? place.room : undefined);
    this.onTyping(place);
    this.#render();
    void this.#load(thread);
  }

  async #load(thread: Thread): Promise<void> {
    const { place } = thread;
    const hadUnread = thread.unread > 0;
    if (this.isSeen(thread)) thread.unread = 0;
    try {
      // Join first, then load the history: otherwise a message in between would be missing.
      if ('room' in place) await this.#host.rooms.enter(place.room);
      if ('service' in place) return;
      do await this.#host.history.open(thread);
      while (thread.isStale && thread === this.#thread);
    } catch (error) {
      this.#host.onError(error);
    }
    if (thread !== this.#thread) return;
    if (hadUnread && thread.firstNew === undefined) thread.firstNew = firstUnread(thread);
    this.look();
    this.#host.onChange(thread);
  }

  async #loadEarlier(limit?: number): Promise<void> {
    const thread = this.#thread;
    if (!thread) return;
    const loading = this.#host.history.earlier(thread, limit);
    this.#refresh();
    try {
      await loading;
    } catch (error) {
      this.#host.onError(error);
    }
    this.onChange(thread);
  }

  /** Shows a message of any age. */
  async #reveal(serial: string): Promise<void> {
    const thread = this.#thread;
    const find = () => thread?.timeline.entries.find((entry) => entry.serial === serial);
    while (thread && !find() && thread.canLoadEarlier) {
      await this.#loadEarlier(JUMP_MESSAGES);
      if (thread !== this.#thread) return;
    }
    const entry = find();
    if (!entry) return;
    this.#render();
    this.#log.reveal(entryKey(entry));
  }

  #say(text: string): void {
    const thread = this.#thread;
    if (!thread) return;
    this.#typing.onSent();
    thread.firstNew = undefined;
    this.#host.sending.say(thread, text);
    this.#render();
    this.#log.scrollToEnd();
  }

  #goBack(): void {
    const thread = this.#thread;
    this.close();
    if (thread) this.#host.onClosed(thread);
  }

  #rejoin(): void {
    if (this.#thread) void this.#load(this.#thread);
    this.#composer.focus();
  }

  #showFrame(): void {
    const isOpen = this.#thread !== undefined;
    find('#chat', HTMLElement).dataset['view'] = isOpen ? 'conversation' : 'people';
    find('#welcome', HTMLElement).hidden = isOpen;
    find('#conversation', HTMLElement).hidden = !isOpen;
  }

  /** Renders the current state, once for simultaneous changes. */
  #refresh(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => this.#render());
  }

  #render(): void {
    this.#isStale = false;
    const thread = this.#thread;
    if (!thread) return;
    const { place, timeline, peer, loaded, firstNew, outside, unread } = thread;
    const presence = 'user' in place ? this.#host.presence.of(place.user) : undefined;
    const { me, client } = this.#host;
    const isConnected = client.state.status === 'connected';
    const { attendance } = this.#attendance;
    if ('room' in place) this.#header.showRoom({ me, attendance, outside, isConnected });
    else this.#header.showPerson(presence, isConnected);
    const hasEarlier = loaded.next !== undefined || loaded.state === 'failed';
    this.#earlier.hidden = !hasEarlier && loaded.state !== 'loading';
    this.#earlier.disabled = loaded.state === 'loading';
    this.#earlier.textContent = EARLIER[loaded.state];
    this.#empty.hidden = timeline.entries.length > 0 || loaded.state !== 'loaded';
    this.#log.showNew(unread);
    this.#log.show(
      logItems(timeline.entries, {
        isRoom: 'room' in place,
        firstNew,
        nowMs: Date.now(),
        deliveryOf: (entry) => deliveryOf(entry, place, peer, presence),
      }),
    );
  }
}

const EARLIER = {
  nothing: 'Earlier messages',
  loading: 'Loading…',
  loaded: 'Earlier messages',
  failed: 'What was said before could not be loaded. Try again',
} as const;

/** Whether no history is loaded yet. */
function isAwaited({ loaded: { state } }: Thread): boolean {
  return state === 'nothing' || state === 'loading';
}

function firstUnread({ timeline, read }: Thread): string | undefined {
  const first = timeline.entries.find(({ isOwn, serial }) => !isOwn && serial !== undefined && serial > (read ?? ''));
  return first && entryKey(first);
}
