import { onAbort } from '../base/abort.ts';
import { randomId } from '../base/random-id.ts';
import type { CallName } from '../calls/call-names.ts';
import type { Outcome } from '../connection/requests.ts';
import type { Environment } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import { type Operation, REQUEST, type WordOf } from './words.ts';

interface Call {
  readonly name: Operation;
  readonly args: readonly unknown[];
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A call that the tab that leads is to do. */
export interface AskedCall extends Pick<Call, 'name' | 'args'> {
  readonly id: string;
}

const LOST: Outcome = { kind: 'lost' };

/** The calls of a tab that wait for the answer of the tab that leads. */
export class PendingCalls {
  readonly #environment: Pick<Environment, 'now' | 'randomId'>;
  readonly #ask: (call: AskedCall) => void;
  readonly #calls = new Map<string, Call>();

  /** @param ask Asks the tab that leads, if there is one. May throw, which rejects the call. */
  constructor(environment: Pick<Environment, 'now' | 'randomId'>, ask: (call: AskedCall) => void) {
    this.#environment = environment;
    this.#ask = ask;
  }

  /** If no tab is the leader, the call waits for one. */
  add(name: Operation, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const id = randomId(this.#environment);
    let stopWaiting!: () => void;
    return new Promise((resolve, reject) => {
      const call = { name, args, resolve, reject };
      this.#calls.set(id, call);
      this.#askFor(id, call);
      stopWaiting = onAbort(signal, reject);
    }).finally(() => {
      this.#calls.delete(id);
      stopWaiting();
    });
  }

  /** There is a leader. */
  askForAll(): void {
    for (const [id, call] of this.#calls) this.#askFor(id, call);
  }

  onReply({ id, value, error }: WordOf<'reply'>): void {
    const call = this.#calls.get(id);
    if (error === undefined) call?.resolve(value);
    // On its way an error of ours would lose its code.
    else call?.reject(error instanceof BeckonError ? new BeckonError(error.code, error.message, error) : error);
  }

  /**
   * The leader is gone: nobody knows what became of frames.
   * @param act Says what becomes of the other calls. Absent: the next leader is asked.
   */
  onLeaderGone(act?: (name: CallName, args: readonly unknown[]) => unknown): void {
    for (const { name, args, resolve, reject } of this.#calls.values()) {
      if (name === REQUEST) resolve(LOST);
      else if (act) new Promise((done) => done(act(name, args))).then(resolve, reject);
    }
  }

  #askFor(id: string, { name, args, reject }: Call): void {
    try {
      this.#ask({ id, name, args });
    } catch (error) {
      reject(error);
    }
  }
}
