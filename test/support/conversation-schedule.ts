import { SessionClient } from '../../client/client.ts';
import type { ClientStorage } from '../../client/storage/storage.ts';
import { type Conversation, openConversation, type Peer } from '../../client/stores/conversation.ts';
import { ClientWorld, seededRandom, settle, testOptions } from './client-world.ts';
import { tokenOf } from './pages.ts';
import { UnsteadyServer } from './unsteady-server.ts';

const STEPS = 60;
const DAY_MS = 86_400_000;

/** A page of a user, and the conversations that it shows. */
interface Device {
  readonly user: string;
  world: ClientWorld;
  client: SessionClient<string, string>;
  stored: Map<string, string> | undefined;
  views: Conversation<string>[];
  /** Ends the page: nothing that it does counts any more. */
  leave(): void;
}

/** What went wrong in a schedule. Empty: nothing. */
export interface ScheduleResult {
  readonly problems: readonly string[];
  readonly faults: number;
  readonly entries: number;
}

/** Devices that open and close conversations, send, reload and lose their connections, in an order that the seed chooses. */
export class Schedule {
  readonly #random: () => number;
  readonly #server: UnsteadyServer;
  readonly #devices: Device[] = [];
  readonly #problems: string[] = [];
  #sent = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#server = new UnsteadyServer(this.#random);
  }

  async run(): Promise<ScheduleResult> {
    for (const user of ['alice', 'alice', 'bob']) this.#open(user, this.#random() < 0.5 ? new Map() : undefined);
    for (let step = 0; step < STEPS; step += 1) await this.#step();
    this.#server.isHealthy = true;
    // Longer than the index lags behind, and than the waits of the client.
    for (let rest = 0; rest < 60; rest += 1) await this.#pass(1_000);
    let entries = 0;
    for (const device of this.#devices) for (const view of device.views) entries += await this.#check(device, view);
    for (const { client } of this.#devices) client.close();
    await settle();
    return { problems: this.#problems, faults: this.#server.faults, entries };
  }

  async #step(): Promise<void> {
    const device = this.#pick(this.#devices);
    const view = device.views.length > 0 ? this.#pick(device.views) : undefined;
    const dice = this.#random();
    if (dice < 0.3) view?.send(this.#text());
    else if (dice < 0.36) this.#sendBeside(device);
    else if (dice < 0.5) this.#show(device);
    else if (dice < 0.56 && view) this.#hide(device, view);
    else if (dice < 0.6 && view) this.#retry(view);
    else if (dice < 0.64) void view?.loadEarlier(3).catch(() => {});
    else if (dice < 0.67) view?.setTyping(this.#random() < 0.5);
    else if (dice < 0.72) await this.#reload(device);
    else if (dice < 0.76) this.#server.sendFromService('billing', 'alice', this.#text());
    await this.#pass(this.#random() < 0.7 ? this.#random() * 50 : this.#random() * 3_000);
    for (const each of this.#devices) for (const shown of each.views) this.#checkOrder(each, shown);
  }

  #text(): string {
    this.#sent += 1;
    return `message ${this.#sent}`;
  }

  /** Sends by the client itself, beside the views. */
  #sendBeside({ client, user }: Device): void {
    const other = user === 'alice' ? 'bob' : 'alice';
    const sent =
      this.#random() < 0.5
        ? client.sendToUser(other, this.#text(), { echo: true, expiresAfterMs: 2_000 })
        : client.sendToRoom('lobby', this.#text());
    sent.catch(() => {});
  }

  #show(device: Device): void {
    if (device.views.length >= 3) return;
    const other = device.user === 'alice' ? 'bob' : 'alice';
    const peers: readonly Peer[] = [{ user: other }, { user: other }, { room: 'lobby' }];
    const peer = this.#pick(peers);
    if ('service' in peer && device.user !== 'alice') return;
    const options = {
      pageSize: 1 + Math.floor(this.#random() * 6),
      markRead: this.#pick(['visible', 'manual'] as const),
    };
    device.views.push(openConversation(device.client, peer, options));
  }

  #hide(device: Device, view: Conversation<string>): void {
    const { state } = view;
    view.close();
    device.views = device.views.filter((other) => other !== view);
    if (view.send('too late').status !== 'failed' || view.state !== state)
      this.#problems.push('a closed store went on');
  }

  #retry(view: Conversation<string>): void {
    const failed = view.state.entries.find(({ status }) => status === 'failed');
    if (!failed) return;
    if (this.#random() < 0.5) view.retry(failed.key);
    else if (!(failed.error && 'maybeDelivered' in failed.error && failed.error.maybeDelivered))
      view.discard(failed.key);
  }

  async #reload(device: Device): Promise<void> {
    device.world.hide();
    await settle();
    device.leave();
    this.#devices.splice(this.#devices.indexOf(device), 1);
    this.#open(device.user, device.stored);
  }

  #open(user: string, stored: Map<string, string> | undefined): void {
    const world = new ClientWorld({ name: `${user}${this.#sent}-${this.#random()}` });
    world.nextRandom = this.#random;
    world.jump(this.#server.nowMs - world.now() + Math.floor((this.#random() - 0.5) * 2 * DAY_MS));
    let isGone = false;
    const storage = stored && storageOf(stored, () => isGone);
    const getToken = () => tokenOf(user);
    const options = testOptions({ getToken, messageExpiryMs: 20_000, ...(storage && { storage }) });
    const client = new SessionClient<string, string>(options, world.loaders, world);
    const leave = () => {
      isGone = true;
      for (const socket of world.sockets) socket.closedWith ??= 'abrupt';
    };
    this.#devices.push({ user, world, client, stored, views: [], leave });
  }

  async #pass(ms: number): Promise<void> {
    this.#server.nowMs += Math.floor(ms);
    for (const { world } of this.#devices) await world.advance(ms);
    for (let round = 0; round < (this.#server.isHealthy ? 6 : 3); round += 1) {
      for (const { world, user } of this.#devices) {
        for (const socket of world.sockets) {
          if (socket.closedWith === undefined && !this.#server.knows(socket) && !wasServed.has(socket)) {
            wasServed.add(socket);
            this.#server.accept(socket, user);
          } else this.#server.serve(socket);
        }
      }
      await settle();
    }
  }

  /** What must hold at every moment. */
  #checkOrder({ user }: Device, { state, peer }: Conversation<string>): void {
    const { entries } = state;
    const serials = entries.flatMap(({ serial }) => serial ?? []);
    const where = `${user} in ${JSON.stringify(peer)}`;
    if (serials.some((serial, index) => serial <= (serials[index - 1] ?? ''))) this.#problems.push(`${where}: order`);
    if (new Set(entries.map(({ key }) => key)).size < entries.length) this.#problems.push(`${where}: twice`);
    if (entries.slice(serials.length).some(({ serial }) => serial)) this.#problems.push(`${where}: waiting first`);
  }

  /** What must hold in the end: the entries are the conversation. @returns how many there are */
  async #check({ user }: Device, view: Conversation<string>): Promise<number> {
    const where = `${user} in ${JSON.stringify(view.peer)}`;
    if (view.state.status !== 'ready') this.#problems.push(`${where}: ${view.state.status}`);
    const all = this.#server.transcript(user, view.peer as { user: string }).map(({ data }) => data);
    const shown = () => view.state.entries.flatMap(({ serial, data }) => (serial ? [data] : []));
    if (String(shown()) !== String(all.slice(-shown().length || all.length)))
      this.#problems.push(`${where}: ${shown()} instead of the end of ${all}`);
    for (let pages = 0; view.state.hasEarlier && pages < 100; pages += 1) {
      const loading = view.loadEarlier(100);
      await this.#pass(1_000);
      await loading;
    }
    if (String(shown()) !== String(all)) this.#problems.push(`${where}: ${shown()} instead of ${all}`);
    this.#checkStatuses(user, view);
    return all.length;
  }

  #checkStatuses(user: string, { peer, state }: Conversation<string>): void {
    const where = `${user} in ${JSON.stringify(peer)}`;
    const { received = '', read = '' } = 'user' in peer ? this.#server.markersOf(peer.user, { user }) : {};
    for (const { serial, isOwn, status, data } of state.entries) {
      if (status === 'sending') this.#problems.push(`${where}: ${data} is still being sent`);
      if (serial === undefined || !isOwn) continue;
      const expected = serial <= read ? 'read' : serial <= received ? 'received' : 'sent';
      if (status !== expected) this.#problems.push(`${where}: ${data} is ${status} instead of ${expected}`);
    }
    const { read: ownRead = '' } = this.#server.markersOf(user, peer);
    const unread = state.entries.filter(({ serial = '', isOwn }) => !isOwn && serial > ownRead);
    if (state.unread !== unread.length) this.#problems.push(`${where}: ${state.unread} unread, not ${unread.length}`);
    if (state.typing.length > 0) this.#problems.push(`${where}: still typing`);
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] as T;
  }
}

const wasServed = new WeakSet<object>();

function storageOf(stored: Map<string, string>, isGone: () => boolean): ClientStorage {
  return {
    get: (key) => stored.get(key),
    set: (key, value) => {
      if (!isGone()) stored.set(key, value);
    },
    delete: (key) => {
      if (!isGone()) stored.delete(key);
    },
    keys: () => stored.keys(),
  };
}
