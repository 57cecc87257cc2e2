import { type ConnectionState, connect, type Json } from '../../client/index.ts';
import { Chat } from './chat.ts';
import type { ChatClient, ChatMessage } from './chat-message.ts';
import { type Config, loadConfig } from './config.ts';
import { ConnectionPanel } from './connection-panel.ts';
import { find } from './dom.ts';
import { createNetworkSwitch } from './network-switch.ts';
import { PageStorage } from './page-storage.ts';
import { createSignIn, type SignIn, type Visitor, visitorNamed } from './sign-in.ts';
import { describeReason, describeUnsent } from './words.ts';

/** Stored per tab, so several users can sign in with one browser. */
const NAME_KEY = 'beckon.name';

/** The page: the sign-in, the connection and the conversations of one user at a time. */
class Page {
  readonly #config: Config;
  readonly #signIn: SignIn;
  readonly #network = createNetworkSwitch();
  readonly #status = new ConnectionPanel(this.#network);
  #client: ChatClient | undefined;
  #storage: PageStorage | undefined;
  #chat: Chat | undefined;
  #me = '';

  constructor(config: Config) {
    this.#config = config;
    this.#signIn = createSignIn(config, {
      onSignIn: (visitor) => this.#connect(visitor),
      onCancel: () => this.#leave(),
    });
    find('#sign-out', HTMLButtonElement).addEventListener('click', () => this.#signOut());
  }

  /** Signs in the user of this tab again after a reload. */
  start(): void {
    const name = sessionStorage.getItem(NAME_KEY);
    const { tokenUrl } = this.#config;
    const visitor = name !== null && tokenUrl !== undefined ? visitorNamed(name, tokenUrl) : undefined;
    if (visitor && 'getToken' in visitor) {
      this.#connect(visitor);
      this.#enter(visitor.name);
    } else {
      this.#signIn.show(true);
    }
  }

  #connect({ name, getToken }: Visitor): void {
    this.#signIn.showBusy();
    this.#storage = new PageStorage();
    const client = connect<Json, ChatMessage>({
      url: this.#config.websocketUrl,
      getToken,
      webSocket: this.#network.webSocket,
      // After a reload, the next page sends the messages that are queued now.
      storage: this.#storage,
    });
    this.#client = client;
    this.#status.show(client.state);
    client.on('state', (state) => this.#onState(state, name));
  }

  #onState(state: ConnectionState, name: string): void {
    if (state.status === 'closed') return;
    this.#status.show(state);
    if (state.status === 'failed') this.#leave(describeReason(state.reason));
    else if (state.status === 'connected') this.#enter(state.userId);
    else if (!this.#chat && 'reason' in state && state.reason) this.#signIn.showBusy(describeReason(state.reason));
    if (state.status === 'connected') sessionStorage.setItem(NAME_KEY, name);
  }

  #enter(name: string): void {
    this.#me = name;
    find('#my-name', HTMLElement).textContent = name;
    if (this.#chat || !this.#client) return;
    this.#signIn.show(false);
    find('#chat', HTMLElement).hidden = false;
    this.#chat = new Chat(this.#client, name);
    this.#chat.focus();
  }

  /** Signs out, and deletes the user's name and messages from this computer. */
  #signOut(): void {
    const unsent = this.#chat?.countUnsent() ?? 0;
    if (unsent > 0 && !confirm(describeUnsent(unsent))) return;
    this.#chat?.forget();
    this.#storage?.forget(this.#me);
    this.#leave();
  }

  /** Returns to the sign-in form. `problem` says why, unless the user asked for it. */
  #leave(problem?: string): void {
    sessionStorage.removeItem(NAME_KEY);
    this.#chat?.end();
    this.#client?.close();
    this.#status.restore();
    this.#chat = this.#client = this.#storage = undefined;
    find('#my-name', HTMLElement).textContent = '';
    find('#chat', HTMLElement).hidden = true;
    this.#signIn.show(true, problem);
  }
}

async function start(): Promise<void> {
  try {
    new Page(await loadConfig()).start();
  } catch (error) {
    find('#fatal', HTMLElement).textContent = `The page could not be started. ${String(error)}`;
  }
}

void start();
