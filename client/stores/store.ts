import { createEmitter } from '../base/events.ts';
import type { Core } from '../core.ts';
import { BeckonError } from '../errors.ts';

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
  #state: State | undefined;

  protected constructor(core: Core) {
    this.core = core;
  }

  /** Builds the state. */
  protected abstract render(): State;

  /** Called once. */
  protected abstract onClose(): void;

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
    this.onClose();
  };

  protected get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  protected get closedError(): BeckonError {
    return this.core.over ?? new BeckonError('closed', 'The store is closed.');
  }

  /** The state is another one from now on. */
  protected changed(): void {
    if (this.isClosed) return;
    this.#state = undefined;
    this.#emitter.emit('change', undefined);
  }
}
