import type { ClientEvents } from '../api.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import { createEmitter } from '../base/events.ts';
import { sleep } from '../base/timer.ts';
import type { Core } from '../core.ts';
// From the entry point: in CommonJS it has the only class of errors.
import { BeckonError } from '../index.ts';
import type { InnerEvents } from '../parts.ts';

/** How long to wait before asking again for what could not be read. */
const RETRY = { minBackoffMs: 1_000, maxBackoffMs: 30_000 };

/** What a store keeps for a view, for any framework. */
export interface Store<State> {
  /** A new object after each change, and the same object otherwise. */
  readonly state: State;
  /**
   * Calls back after each change.
   *
   * ```ts
   * const stop = store.subscribe(() => render(store.state));
   * ```
   * @returns Ends it.
   */
  readonly subscribe: (onChange: () => void) => () => void;
  /** Ends the store: its state does not change any more. A second call has no effect. */
  readonly close: () => void;
}

/** What all stores have in common. */
export abstract class BaseStore<State> implements Store<State> {
  protected readonly core: Core;
  /** Aborts when the store is closed. */
  protected readonly closing = new AbortController();
  readonly #emitter = createEmitter<{ readonly change: undefined }>(['change'], () => {});
  readonly #stopObserving: () => void;
  /** The connection of which everything is known. */
  #connectionId: string | undefined;
  #state: State | undefined;

  protected constructor(core: Core) {
    this.core = core;
    this.#connectionId = this.#currentConnection;
    this.#stopObserving = core.observe((event, value) => this.onEvent(event, value));
  }

  /** Builds the state. */
  protected abstract render(): State;

  /** Called once. */
  protected abstract onClose(): void;

  /** The server refuses what the store needs, or there will be no connection any more. */
  protected abstract fail(error: BeckonError): void;

  /** What the server tells once may have got lost with the last connection. */
  protected abstract onReconnect(): void;

  protected onEvent(event: keyof ClientEvents | keyof InnerEvents, value: unknown): void {
    if (event === 'over') this.fail(value as BeckonError);
    if (event !== 'state' && event !== 'connected') return;
    const before = this.#connectionId;
    this.#connectionId = this.#currentConnection ?? before;
    if (before !== undefined && this.#connectionId !== before) this.onReconnect();
  }

  get state(): State {
    this.#state ??= this.render();
    return this.#state;
  }

  // A property, as frameworks call it without its store.
  readonly subscribe = (onChange: () => void): (() => void) => this.#emitter.on('change', onChange);

  readonly close = (): void => {
    if (this.isClosed) return;
    // The state that views keep.
    this.#state = this.state;
    this.closing.abort();
    this.#stopObserving();
    this.onClose();
  };

  protected get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  protected get closedError(): BeckonError {
    return this.core.over ?? new BeckonError('closed', 'The store is closed.');
  }

  /** Does `work` again until it succeeds, the store is closed, or the store has failed for good. */
  protected async persist(work: () => Promise<void>): Promise<void> {
    const { environment, over } = this.core;
    const { signal } = this.closing;
    if (over) return this.fail(over);
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) return this.fail(error as BeckonError);
        await sleep(environment, backoffDelayMs(failures, environment.random, RETRY), signal);
      }
    }
  }

  get #currentConnection(): string | undefined {
    const { state } = this.core;
    return state.status === 'connected' ? state.connectionId : undefined;
  }

  /** The state is another one from now on. */
  protected changed(): void {
    if (this.isClosed) return;
    this.#state = undefined;
    this.#emitter.emit('change', undefined);
  }
}

/** Whether the same may succeed later. */
function isPassing(error: unknown): boolean {
  return error instanceof BeckonError && (error.retryable || error.code === 'expired');
}
