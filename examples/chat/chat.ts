import {
  BeckonError,
  type ConnectionState,
  type Gap,
  type Json,
  type LateResult,
  type ReceivedMessage,
} from '../../client/index.ts';
import { AddContact } from './add-contact.ts';
import { Announcer } from './announcer.ts';
import { type ChatClient, readMessage } from './chat-message.ts';
import { Contacts } from './contacts.ts';
import { History } from './history.ts';
import { Notice } from './notice.ts';
import { OpenThread } from './open-thread.ts';
import { type Place, placeOf, titleOf } from './place.ts';
import { PresenceBook } from './presence-book.ts';
import { Reading } from './reading.ts';
import { Rooms } from './rooms.ts';
import { Sending } from './sending.ts';
import type { Thread } from './thread.ts';
import { Threads } from './threads.ts';
import type { Entry } from './timeline.ts';
import { describeTime } from './times.ts';
import { Typists } from './typing.ts';
import { Unread } from './unread.ts';

/** The conversations of the signed-in user. Passes the client's events to the parts of the page. */
export class Chat {
  readonly #client: ChatClient;
  readonly #me: string;
  readonly #ending = new AbortController();
  readonly #threads = new Threads((thread) => this.#onNew(thread));
  readonly #announcer = new Announcer();
  readonly #notice: Notice;
  readonly #presence: PresenceBook;
  readonly #rooms: Rooms;
  readonly #typists: Typists;
  readonly #unread: Unread;
  readonly #reading: Reading;
  readonly #contacts: Contacts;
  readonly #addContact: AddContact;
  readonly #open: OpenThread;
  readonly #toldErrors = new Set<string>();
  #hasBeenConnected = false;

  constructor(client: ChatClient, me: string) {
    this.#client = client;
    this.#me = me;
    const { signal } = this.#ending;
    const onError = (error: unknown) => this.#onError(error);
    const onChange = (thread: Thread) => this.#onChange(thread);
    this.#notice = new Notice(signal);
    this.#presence = new PresenceBook({ client, signal, onChange: (user) => this.#onPresence(user), onError });
    this.#rooms = new Rooms({ client, signal, find: (room) => this.#threads.find({ room }), onChange });
    this.#typists = new Typists((place) => this.#open.onTyping(place), signal);
    this.#unread = new Unread({
      client,
      signal,
      threads: () => this.#threads.all,
      isSeen: (thread) => this.#open.isSeen(thread),
      onChange,
      onError,
    });
    this.#reading = new Reading(client, () => document.visibilityState === 'visible', onError);
    this.#contacts = new Contacts({
      me,
      signal,
      threads: this.#threads,
      presence: this.#presence,
      open: () => this.#open.thread,
      onOpen: (place) => this.#openAt(place),
    });
    this.#addContact = new AddContact((place) => this.#openAt(place), signal);
    this.#open = new OpenThread({
      client,
      me,
      signal,
      history: new History(client, me, signal),
      sending: new Sending(client, me, onChange),
      presence: this.#presence,
      rooms: this.#rooms,
      typists: this.#typists,
      reading: this.#reading,
      onChange,
      onError,
      onPlace: (place) => this.#openAt(place),
      onClosed: (thread) => this.#onClosed(thread),
      onLeave: (thread) => this.#leave(thread),
    });
    this.#listen(signal);
    this.#contacts.restore();
    this.#onState(client.state);
  }

  focus(): void {
    this.#addContact.focus();
  }

  /** Counts the messages of this page that the server has not accepted yet. */
  countUnsent(): number {
    const entries = this.#threads.all.flatMap(({ timeline }) => timeline.entries);
    return entries.filter(({ serial, fate }) => serial === undefined && fate?.kind === 'queued').length;
  }

  /** Deletes the stored list of conversations, so the next page begins with an empty one. */
  forget(): void {
    this.#contacts.forget();
  }

  /** Removes the conversations from the page. */
  end(): void {
    this.#open.end();
    this.#ending.abort();
    this.#contacts.clear();
    this.#addContact.clear();
    this.#announcer.clear();
    document.title = 'Beckon';
  }

  #listen(signal: AbortSignal): void {
    const client = this.#client;
    client.on('message', (message) => this.#receive(message), { signal });
    client.on('gap', (gap) => this.#onGap(gap), { signal });
    client.on('state', (state) => this.#onState(state), { signal });
    client.on('error', (error) => this.#onError(error), { signal });
    client.on('result', (message) => this.#onLateResult(message), { signal });
    client.on(
      'receipt',
      ({ from, ...markers }) => {
        const thread = this.#threads.find(from);
        thread?.movePeer(markers);
        if (thread) this.#onChange(thread);
      },
      { signal },
    );
    const onVisible = () => {
      if (!this.#reading.isLooking) return;
      this.#open.look();
      this.#contacts.refresh();
      // The user may have read messages on another device meanwhile.
      this.#unread.ask();
    };
    document.addEventListener('visibilitychange', onVisible, { signal });
  }

  #receive(message: ReceivedMessage<Json>): void {
    const { from, data } = message;
    const place = placeOf(message, this.#me);
    const author = 'user' in from ? from.user : from.service;
    const said = readMessage(data);
    if ('typing' in said) {
      if (author !== this.#me) this.#typists.heard(place, author, said.typing);
      return;
    }
    const thread = this.#threads.at(place);
    const entry = thread.receive(message, this.#me);
    this.#typists.heard(place, author, false);
    if (entry) this.#onReceived(thread, entry);
  }

  /** Tells the user about a message without leaving the open conversation. */
  #onReceived(thread: Thread, entry: Entry): void {
    if (entry.isOwn) {
      // The user wrote it on another device, and has seen the earlier messages there.
      thread.unread = 0;
    } else if (this.#open.isSeen(thread)) {
      this.#announcer.say(`${entry.author}: ${entry.text}`);
      this.#open.look();
    } else {
      const where = 'room' in thread.place ? 'in' : 'from';
      this.#announcer.say(`New message ${where} ${titleOf(thread.place)}`);
      this.#open.onUnseen(thread, entry);
      this.#unread.add(thread);
    }
    this.#onChange(thread);
  }

  #onNew({ place }: Thread): void {
    this.#contacts.add(place);
    if ('user' in place) this.#presence.watch(place.user);
    // If the server refuses the join, the conversation shows why.
    if ('room' in place) void this.#rooms.enter(place.room);
  }

  #onChange(thread: Thread): void {
    this.#contacts.update(thread);
    this.#contacts.refresh();
    this.#open.onChange(thread);
  }

  #onPresence(user: string): void {
    this.#contacts.refresh();
    const thread = this.#threads.find({ user });
    if (thread) this.#open.onChange(thread);
  }

  #onState(state: ConnectionState): void {
    this.#open.onState(state);
    if (state.status !== 'connected') return;
    // The page may have missed receipts while there was no connection.
    if (this.#hasBeenConnected) for (const thread of this.#threads.all) thread.isStale = true;
    else void this.#open.search.findOut();
    this.#hasBeenConnected = true;
    this.#unread.ask();
    this.#open.reload();
  }

  #onGap({ room, sinceMs }: Gap): void {
    const since = sinceMs === undefined ? '' : ` since ${describeTime(sinceMs, Date.now())}`;
    this.#notice.show(`Messages${since} are missing: they were kept for some days only.`);
    for (const thread of this.#threads.all) {
      if ('room' in thread.place ? thread.place.room === room : room === undefined) thread.forget();
    }
    this.#open.reload();
  }

  /** The client sent, or gave up, a message of an earlier page. The reloaded history has each message that was sent. */
  #onLateResult(message: LateResult): void {
    if ('error' in message) this.#notice.show(`A message was not sent: ${message.error.message}`);
    for (const thread of this.#threads.all) thread.isStale = true;
    this.#open.reload();
  }

  /** Shows each kind of error once. */
  #onError(error: unknown): void {
    const code = error instanceof BeckonError ? error.code : String(error);
    if (SILENT.includes(code) || this.#toldErrors.has(code)) return;
    this.#toldErrors.add(code);
    this.#notice.show(error instanceof BeckonError ? error.message : String(error));
  }

  #openAt(place: Place): void {
    const thread = this.#threads.at(place);
    this.#contacts.add(place);
    this.#open.show(thread);
    this.#contacts.refresh();
  }

  #onClosed({ place }: Thread): void {
    this.#contacts.refresh();
    this.#contacts.focus(place);
  }

  #leave(thread: Thread): void {
    this.#open.close();
    this.#threads.remove(thread);
    this.#contacts.remove(thread);
    this.#addContact.focus();
    if ('room' in thread.place) this.#rooms.leave(thread.place.room).catch((error) => this.#onError(error));
  }
}

/**
 * The errors without a notice. The state of the connection already shows most of them, and the page repeats its requests
 * after a reconnect. If the token forbids a request, the page works without the answer.
 */
const SILENT: readonly string[] = ['closed', 'expired', 'token_failed', 'forbidden'];
