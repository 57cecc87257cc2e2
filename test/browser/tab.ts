import type { BrowserContext, Page } from 'playwright-core';
import { inject } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { type ClientPage, openWay, serveClientPage, type Way } from '../support/client-page.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

/** The events of a tab's client so far. */
export interface Told {
  readonly state: string;
  readonly connectionId: string;
  readonly messages: readonly unknown[];
  readonly settled: readonly { readonly id: string; readonly status: string }[];
  readonly errors: readonly string[];
  readonly outcomes: readonly string[];
  /** The number of tokens that the client got. */
  readonly tokens: number;
}

/** A tab with a client of the current user. */
export class Tab {
  readonly page: Page;
  readonly #scene: Scene;
  readonly #options: object;

  constructor(scene: Scene, page: Page, options: object) {
    this.page = page;
    this.#scene = scene;
    this.#options = options;
    page.on('pageerror', (error) => scene.complaints.push(String(error)));
  }

  /** Opens or reloads the page, and creates its client. */
  async load(url = this.#scene.page.url): Promise<void> {
    if (this.page.url() === url) await this.page.reload();
    else await this.page.goto(url);
    await this.page.waitForFunction('window.start');
    const { websocketUrl, page, user } = this.#scene;
    const options = { url: websocketUrl, tokenUrl: `${page.url}token`, user, ...this.#options };
    await this.page.evaluate(`start(${JSON.stringify(options)})`);
  }

  async is(state: string): Promise<void> {
    await this.page.waitForFunction(`told.state === '${state}'`);
  }

  async has(what: 'messages' | 'outcomes' | 'settled', count: number): Promise<Told> {
    await this.page.waitForFunction(`told.${what}.length >= ${count}`);
    return this.told();
  }

  told(): Promise<Told> {
    return this.page.evaluate<Told>('told');
  }

  async send(data: unknown, id: string): Promise<void> {
    await this.page.evaluate(`send(${JSON.stringify(data)}, '${id}')`);
  }
}

interface ScenePorts {
  readonly cloud: LocalCloud;
  readonly page: ClientPage;
  readonly way: Way;
  readonly bob: WireClient;
}

/**
 * The surroundings of a client in a browser: the application behind a relay that a test can cut, a page with the client alone,
 * and bob, a raw socket.
 */
export class Scene {
  readonly page: ClientPage;
  readonly way: Way;
  /** The errors of the pages. */
  readonly complaints: string[] = [];
  readonly #cloud: LocalCloud;
  readonly #bob: WireClient;
  #users = 0;

  private constructor({ cloud, page, way, bob }: ScenePorts) {
    this.#cloud = cloud;
    this.page = page;
    this.way = way;
    this.#bob = bob;
  }

  static async open(): Promise<Scene> {
    const parameters = { Issuer: '{endpointUrl}/_local', AllowedOrigins: '*' };
    const cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters });
    const page = await serveClientPage((claims) => cloud.token(claims));
    const way = await openWay(Number(new URL(cloud.endpointUrl).port));
    const token = await cloud.token({ sub: 'bob' });
    const bob = await connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${token}` } });
    await bob.ask({ action: 'register' });
    return new Scene({ cloud, page, way, bob });
  }

  /** The current user: each test has one of its own. */
  get user(): string {
    return `alice${this.#users}`;
  }

  nextUser(): void {
    this.#users += 1;
  }

  /** The URL of the stage through the relay. */
  get websocketUrl(): string {
    return this.#cloud.websocketUrl.replace(/:\d+/, `:${this.way.port}`);
  }

  /** Opens a tab and creates its client. */
  async open(context: BrowserContext, options: object = {}): Promise<Tab> {
    const tab = new Tab(this, await context.newPage(), options);
    await tab.load();
    return tab;
  }

  /** Opens a tab, and waits until its client is connected. */
  async connect(context: BrowserContext, options: object = {}): Promise<Tab> {
    const tab = await this.open(context, options);
    await tab.is('connected');
    return tab;
  }

  /** Sends to the user as bob. Returns how many sockets the message reached. */
  async post(data: unknown): Promise<number> {
    const ack = await this.#bob.ask({ action: 'sendMessage', to: { user: this.user }, data });
    const [{ connections }] = ack['results'] as [{ readonly connections: { readonly sent: number } }];
    return connections.sent;
  }

  /** The user's messages that reached bob. Duplicates, which a raw socket may get, count once. */
  receivedByBob(): unknown[] {
    const frames = this.#bob.frames as unknown as readonly {
      type: string;
      messages?: readonly { id: string; from: object; data: unknown }[];
    }[];
    const messages = frames
      .filter(({ type }) => type === 'messages')
      .flatMap(({ messages = [] }) => messages)
      .filter(({ from }) => 'user' in from && from.user === this.user);
    return [...new Map(messages.map(({ id, data }) => [id, data])).values()];
  }

  async close(): Promise<void> {
    await Promise.all([this.page.close(), this.way.close()]);
    await this.#cloud.close();
  }
}
