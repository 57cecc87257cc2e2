import type { Channel } from '../../client/environment.ts';

/** `BroadcastChannel` among the pages of one test. Each receiver gets each sender's messages late, but in order. */
export class Channels {
  readonly #open = new Set<FakeChannel>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Returns one page's view of the channels. */
  page(): PageChannels {
    const own: FakeChannel[] = [];
    let isGone = false;
    return {
      open: (name) => {
        const channel = new FakeChannel(name, this.#open, this.#random);
        own.push(channel);
        if (isGone) channel.vanish();
        return channel;
      },
      hangUntil: (awake) => {
        for (const channel of own) channel.hangUntil(awake);
      },
      leave: () => {
        isGone = true;
        for (const channel of own) channel.vanish();
      },
    };
  }
}

/** One page's view of the channels. */
export interface PageChannels {
  readonly open: (name: string) => Channel;
  /** Delays the page's messages until the promise settles. */
  hangUntil(awake: Promise<void>): void;
  /** Ends the page's channels, as a crash or a page change does. */
  leave(): void;
}

class FakeChannel implements Channel {
  onmessage: unknown;
  readonly #name: string;
  readonly #all: Set<FakeChannel>;
  readonly #random: () => number;
  #gone = false;
  #whenAwake = Promise.resolve();
  /** The undelivered messages, by sender. */
  readonly #inbound = new Map<FakeChannel, unknown[]>();

  constructor(name: string, all: Set<FakeChannel>, random: () => number) {
    this.#name = name;
    this.#all = all;
    this.#random = random;
    all.add(this);
  }

  postMessage(message: unknown): void {
    if (this.#gone) return;
    if (!this.#all.has(this)) throw new DOMException('The channel is closed.', 'InvalidStateError');
    const copy = structuredClone(message);
    for (const other of this.#all) if (other !== this && other.#name === this.#name) other.#take(this, copy);
  }

  close(): void {
    this.#all.delete(this);
  }

  hangUntil(awake: Promise<void>): void {
    this.#whenAwake = awake;
  }

  /** Ends the channel with its page. It delivers nothing more. */
  vanish(): void {
    this.#gone = true;
    this.close();
  }

  #take(from: FakeChannel, message: unknown): void {
    const waiting = this.#inbound.get(from) ?? [];
    this.#inbound.set(from, waiting);
    waiting.push(message);
    void this.#whenAwake.then(() => this.#deliverOne());
  }

  #deliverOne(): void {
    const senders = [...this.#inbound].filter(([, waiting]) => waiting.length > 0);
    const [, waiting] = senders[Math.floor(this.#random() * senders.length)] ?? [];
    const data = waiting?.shift();
    if (this.#all.has(this) && typeof this.onmessage === 'function') this.onmessage({ data });
  }
}
