import { BeckonError, type Json, type Peer, type ReceivedMessage, type SearchPage } from '../../client/index.ts';
import { type ChatClient, readMessage } from './chat-message.ts';
import { find, fromTemplate, listen } from './dom.ts';
import { describeClock, describeDay } from './times.ts';

const PAGE_MESSAGES = 20;
/** How long to wait for more letters. */
const DELAY_MS = 300;

export interface SearchHandlers {
  readonly client: Pick<ChatClient, 'search'>;
  readonly me: string;
  readonly signal: AbortSignal;
  /** The user chose a message. */
  onFound(serial: string): void;
}

/** Searches the open conversation. */
export class SearchPanel {
  readonly #handlers: SearchHandlers;
  readonly #toggle = find('#search-toggle', HTMLButtonElement);
  readonly #panel = find('#search', HTMLElement);
  readonly #text = find('#search-text', HTMLInputElement);
  readonly #status = find('#search-status', HTMLElement);
  readonly #results = find('#search-results', HTMLOListElement);
  readonly #more = find('#search-more', HTMLButtonElement);
  #conversation: Peer | undefined;
  #isAvailable = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = new AbortController();
  #next: string | undefined;

  constructor(handlers: SearchHandlers) {
    this.#handlers = handlers;
    const { signal } = handlers;
    this.#toggle.addEventListener('click', () => this.#show(this.#panel.hidden === true), { signal });
    this.#more.addEventListener('click', () => void this.#ask(this.#next), { signal });
    this.#text.addEventListener('input', () => this.#askSoon(), { signal });
    listen(find('#search-form', HTMLFormElement), 'submit', () => void this.#ask(undefined), signal);
    listen(find('#search-close', HTMLButtonElement), 'click', () => this.#show(false), signal);
    this.#panel.addEventListener('keydown', ({ key }) => key === 'Escape' && this.#show(false), { signal });
    signal.addEventListener('abort', () => this.open(undefined));
  }

  /** Asks once whether the server supports search. */
  async findOut(): Promise<void> {
    const { client, me, signal } = this.#handlers;
    try {
      await client.search({ user: me }, 'beckon', { limit: 1, signal });
      this.#isAvailable = true;
    } catch (error) {
      // Hide the button after any error: it would lead to the same error.
      this.#isAvailable = !(error instanceof BeckonError) || !['search_disabled', 'forbidden'].includes(error.code);
    }
    this.#toggle.hidden = !this.#isAvailable || this.#conversation === undefined;
  }

  /** Switches the search to another conversation, or to none. */
  open(conversation: Peer | undefined): void {
    this.#conversation = conversation;
    this.#toggle.hidden = !this.#isAvailable || conversation === undefined;
    this.#text.value = '';
    this.#hide();
  }

  #show(isShown: boolean): void {
    if (!isShown) {
      this.#hide();
      this.#toggle.focus();
      return;
    }
    this.#panel.hidden = false;
    this.#toggle.setAttribute('aria-expanded', 'true');
    this.#text.focus();
    this.#text.select();
  }

  #hide(): void {
    this.#panel.hidden = true;
    this.#toggle.setAttribute('aria-expanded', 'false');
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#results.replaceChildren();
    this.#status.textContent = '';
    this.#more.hidden = true;
  }

  #askSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(undefined), DELAY_MS);
  }

  /** @param before The position from which to continue. */
  async #ask(before: string | undefined): Promise<void> {
    if (before === undefined) this.#clear();
    const text = this.#text.value.trim();
    const conversation = this.#conversation;
    if (text === '' || !conversation) return;
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#status.textContent = 'Searching…';
    try {
      const options = { limit: PAGE_MESSAGES, signal, ...(before !== undefined && { before }) };
      const page = await this.#handlers.client.search(conversation, text, options);
      if (!signal.aborted) this.#add(page);
    } catch (error) {
      if (signal.aborted) return;
      this.#status.textContent = error instanceof BeckonError ? error.message : String(error);
    }
  }

  #add({ messages, next }: SearchPage<Json>): void {
    this.#results.append(...messages.map((message) => this.#createResult(message)));
    this.#next = next;
    this.#more.hidden = next === undefined;
    const count = this.#results.childElementCount;
    const found = count === 1 ? '1 message' : `${count} messages`;
    this.#status.textContent = count === 0 ? 'Nothing was found.' : `${found}${next === undefined ? '' : ', and more'}`;
  }

  #createResult({ from, data, sentAt, serial }: ReceivedMessage<Json>): HTMLLIElement {
    const result = fromTemplate('#result-template');
    const said = readMessage(data);
    const author = 'user' in from ? from.user : from.service;
    find('.result-author', HTMLElement, result).textContent = author === this.#handlers.me ? 'You' : author;
    find('.result-time', HTMLElement, result).textContent =
      `${describeDay(sentAt, Date.now())}, ${describeClock(sentAt)}`;
    find('.result-text', HTMLElement, result).textContent = 'text' in said ? said.text : '';
    find('button', HTMLButtonElement, result).addEventListener('click', () => this.#handlers.onFound(serial));
    return result;
  }
}
