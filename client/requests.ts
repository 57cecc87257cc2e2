import type { Action, ClientFrame, ErrorReply, Problem, Reply } from '../protocol/index.ts';
import type { Environment } from './environment.ts';

/** What became of a frame that asks for a reply. */
export type Outcome =
  | { readonly kind: 'reply'; readonly reply: Exclude<Reply, ErrorReply> }
  | { readonly kind: 'error'; readonly problem: Problem }
  /** The reply is missing, though the connection is good. */
  | { readonly kind: 'unanswered' }
  /** The server did nothing with the frame, and will if it is sent again. */
  | { readonly kind: 'refused' }
  /** The connection ended before the reply. */
  | { readonly kind: 'lost' };

/** What a frame says besides its action and its correlation id. */
export type FieldsOf<A extends Action> = Omit<Extract<ClientFrame, { action: A }>, 'action' | 'id'>;

/** Makes a frame of a correlation id. */
export type Encode = (id: string) => string;

export function encodeRequest<A extends Action>(action: A, fields: FieldsOf<A>): Encode {
  return (id) => JSON.stringify({ action, id, ...fields });
}

/** What the server complained about. */
export function problemOf(outcome: Outcome): Problem | undefined {
  return outcome.kind === 'error' ? outcome.problem : undefined;
}

/** The frames of one connection that wait for their replies. */
export interface Requests {
  /** Sends what `encode` makes of a fresh correlation id. `onLate` is called when there is no reply in time. */
  send(encode: Encode, onLate?: (id: string) => void): Promise<Outcome>;
  /** Does nothing when nothing waits under this id: the reply came too late. */
  settle(id: string | undefined, outcome: Outcome): void;
  settleAll(outcome: Outcome): void;
  readonly waiting: number;
}

export function createRequests(
  environment: Pick<Environment, 'setTimer'>,
  transmit: (text: string) => void,
  timeoutMs: number,
): Requests {
  const waiting = new Map<string | undefined, (outcome: Outcome) => void>();
  let count = 0;
  const settle = (id: string | undefined, outcome: Outcome) => {
    const resolve = waiting.get(id);
    waiting.delete(id);
    resolve?.(outcome);
  };
  return {
    send: (encode, onLate) =>
      new Promise((resolve) => {
        count += 1;
        const id = String(count);
        const cancelTimer = environment.setTimer(timeoutMs, () => onLate?.(id));
        waiting.set(id, (outcome) => {
          cancelTimer();
          resolve(outcome);
        });
        transmit(encode(id));
      }),
    settle,
    settleAll: (outcome) => {
      for (const id of [...waiting.keys()]) settle(id, outcome);
    },
    get waiting() {
      return waiting.size;
    },
  };
}
