import type { Client, ConnectionState, Json, ReceivedMessage } from '../../client/index.ts';
import { type Conversation, createConversation } from './conversation.ts';
import { find, showAvatar } from './dom.ts';
import type { MessageView } from './message-view.ts';
import { describeFailure, describeResult, QUEUED } from './words.ts';

/** What the page sends. What arrives may be anything: other senders have their own ideas. */
export interface ChatMessage {
  readonly text: string;
}

/** The conversations of whoever is signed in. */
export class Chat {
  readonly #client: Client<Json, ChatMessage>;
  readonly #conversations = new Map<string, Conversation>();
  readonly #ending: AbortController;
  readonly #text = find('#text', HTMLTextAreaElement);
  readonly #writeTo = find('#write-to', HTMLInputElement);
  #open: Conversation | undefined;

  constructor(client: Client<Json, ChatMessage>) {
    this.#client = client;
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    client.on('message', (message) => this.#receive(message), { signal });
    client.on('state', (state) => this.#showHint(state), { signal });
    listen(find('#write-to-form', HTMLFormElement), 'submit', () => this.#writeToSomebody(), signal);
    listen(find('#composer', HTMLFormElement), 'submit', () => this.#sendText(), signal);
    listen(find('#back', HTMLButtonElement), 'click', () => this.#showPeople(), signal);
    this.#text.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    this.#showHint(client.state);
    this.#show(undefined);
  }

  /** Takes everything off the page again. */
  end(): void {
    this.#ending.abort();
    for (const list of ['#people', '#logs']) find(list, HTMLElement).replaceChildren();
    find('#nobody', HTMLElement).hidden = false;
    this.#text.value = this.#writeTo.value = '';
    document.title = 'Beckon';
  }

  #receive({ from, data, sentAt }: ReceivedMessage<Json>): void {
    const name = 'user' in from ? from.user : from.service;
    const conversation = this.#conversationWith(name, 'user' in from);
    conversation.add({ author: name, text: textOf(data), sentAt });
    // Somebody who is about to write to somebody else is not interrupted.
    if (!this.#open && this.#writeTo.value === '') this.#show(conversation);
    this.#showTitle();
  }

  #writeToSomebody(): void {
    const name = this.#writeTo.value.trim();
    this.#writeTo.value = '';
    if (name === '') this.#writeTo.focus();
    else this.#openConversation(this.#conversationWith(name, true));
  }

  #sendText(): void {
    const text = this.#text.value.trim();
    const conversation = this.#open;
    if (text === '' || !conversation) return;
    this.#text.value = '';
    this.#text.focus();
    const id = randomId();
    const send = () => this.#send(conversation.name, text, id, view);
    const view = conversation.add({ author: undefined, text, sentAt: Date.now() }, () => void send());
    void send();
  }

  /** Sent again, a message keeps its id: whoever has got it already does not get it twice. */
  async #send(name: string, text: string, id: string, view: MessageView): Promise<void> {
    view.showDelivery(QUEUED);
    try {
      view.showDelivery(describeResult(await this.#client.sendToUser(name, { text }, { id }), name));
    } catch (error) {
      view.showDelivery(describeFailure(error));
    }
  }

  #conversationWith(name: string, canReply: boolean): Conversation {
    const key = `${canReply} ${name}`;
    const known = this.#conversations.get(key);
    if (known) return known;
    const onOpen = () => this.#openConversation(conversation);
    const conversation = createConversation({ name, canReply, onOpen });
    this.#conversations.set(key, conversation);
    find('#nobody', HTMLElement).hidden = true;
    return conversation;
  }

  #openConversation(conversation: Conversation): void {
    this.#show(conversation);
    if (conversation.canReply) this.#text.focus();
    else find('#peer', HTMLElement).focus();
  }

  #showPeople(): void {
    this.#show(undefined);
    this.#writeTo.focus();
  }

  #show(conversation: Conversation | undefined): void {
    this.#open?.show(false);
    this.#open = conversation;
    find('#chat', HTMLElement).dataset['view'] = conversation ? 'conversation' : 'people';
    find('#welcome', HTMLElement).hidden = conversation !== undefined;
    find('#conversation', HTMLElement).hidden = conversation === undefined;
    if (!conversation) return;
    find('#peer', HTMLElement).textContent = conversation.name;
    showAvatar(find('#peer-avatar', HTMLElement), conversation.name);
    find('#composer', HTMLElement).hidden = !conversation.canReply;
    conversation.show(true);
    this.#showTitle();
  }

  #showTitle(): void {
    let unread = 0;
    for (const conversation of this.#conversations.values()) unread += conversation.unread;
    document.title = unread > 0 ? `(${unread}) Beckon` : 'Beckon';
  }

  #showHint({ status }: ConnectionState): void {
    find('#composer-hint', HTMLElement).textContent =
      status === 'connected'
        ? 'Enter sends, Shift+Enter starts a new line.'
        : 'Sent as soon as the connection is back.';
  }

  #onKey(event: KeyboardEvent): void {
    // While an input method is composing, Enter is its own.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#sendText();
  }
}

function listen(target: EventTarget, type: string, handle: () => void, signal: AbortSignal): void {
  const onEvent = (event: Event) => {
    event.preventDefault();
    handle();
  };
  target.addEventListener(type, onEvent, { signal });
}

function textOf(data: Json): string {
  const text = typeof data === 'object' && data !== null && 'text' in data ? data['text'] : data;
  return typeof text === 'string' ? text : JSON.stringify(data, null, 2);
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
