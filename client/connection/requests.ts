import type { Action, ClientFrame, ErrorReply, Problem, Reply } from '../../protocol/index.ts';
import { utf8Length } from '../../protocol/utf8.ts';
import type { Environment } from '../environment.ts';
import { wordlessProblem } from '../errors.ts';

/** The outcome of a frame that asks for a reply. */
export type Outcome =
  | { readonly kind: 'reply'; readonly reply: Exclude<Reply, ErrorReply> }
  | { readonly kind: 'error'; readonly problem: Problem }
  /** The reply is missing, though the connection is good. */
  | { readonly kind: 'unanswered' }
  /** The server has not handled the frame, and will when the client sends it again. */
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
  /**
   * Sends what `encode` makes of a fresh correlation id. `onLate` is called when there is no reply in time. A frame that is
   * too large is not sent: the service would close the connection for it, and with it whatever else waits.
   */
  send(encode: Encode, onLate?: (id: string) => void): Promise<Outcome>;
  /** Does nothing when nothing waits under this id: the reply came too late. */
  settle(id: string | undefined, outcome: Outcome): void;
  settleLargest(outcome: Outcome): void;
  settleAll(outcome: Outcome): void;
  readonly waiting: number;
}

export interface RequestsHost {
  transmit(text: string): void;
  /** The most bytes of a frame. */
  maxFrameBytes(): number;
}

interface Waiting {
  readonly bytes: number;
  settle(outcome: Outcome): void;
}

export function createRequests(
  environment: Pick<Environment, 'setTimer'>,
  timeoutMs: number,
  host: RequestsHost,
): Requests {
  const waiting = new Map<string | undefined, Waiting>();
  let count = 0;
  const settle = (id: string | undefined, outcome: Outcome) => {
    const request = waiting.get(id);
    waiting.delete(id);
    request?.settle(outcome);
  };
  return {
    send: (encode, onLate) =>
      new Promise((resolve) => {
        count += 1;
        const id = String(count);
        const text = encode(id);
        const bytes = utf8Length(text);
        if (bytes > host.maxFrameBytes()) {
          resolve({ kind: 'error', problem: tooLarge(bytes, host.maxFrameBytes()) });
          return;
        }
        const cancelTimer = environment.setTimer(timeoutMs, () => onLate?.(id));
        waiting.set(id, {
          bytes,
          settle: (outcome) => {
            cancelTimer();
            resolve(outcome);
          },
        });
        host.transmit(text);
      }),
    settle,
    settleLargest: (outcome) => {
      const [largest] = [...waiting].sort(([, one], [, other]) => other.bytes - one.bytes);
      settle(largest?.[0], outcome);
    },
    settleAll: (outcome) => {
      for (const id of [...waiting.keys()]) settle(id, outcome);
    },
    get waiting() {
      return waiting.size;
    },
  };
}

/** The problem of a frame that would be too large. */
export function tooLarge(bytes: number, maxBytes: number): Problem {
  const message = `The frame would take ${bytes} bytes; at most ${maxBytes} are allowed.`;
  return wordlessProblem('frame_too_large', message);
}
