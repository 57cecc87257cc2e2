import type { CallName } from '../calls/call-names.ts';

/** What a tab can ask of the one that leads: a call, or to send a frame. */
export type Operation = CallName | typeof REQUEST;

/** The operation with which a tab sends a frame. */
export const REQUEST = 'request';

/** Something that the client of one tab tells those of the others. */
export type Told = readonly [event: string, value: unknown];

/** What a tab needs to know of a message that it keeps at hand. */
export interface RecentMessage {
  readonly serial: string;
}

/** What was handed over last. */
export interface Memory {
  readonly recent: readonly RecentMessage[];
  /** From when on it is everything; epoch milliseconds by the server's clock. */
  readonly fromMs: number;
}

/** What tabs say to one another. */
export type Word =
  | { readonly kind: 'lead' }
  | { readonly kind: 'hello'; readonly tab: string; readonly sinceMs: number }
  | {
      readonly kind: 'welcome';
      readonly tab: string;
      readonly by: string;
      readonly told: readonly Told[];
      /** Gives a tab without a past what came last, so that it has as much at hand when it leads. */
      readonly memory?: Memory;
    }
  | { readonly kind: 'tell'; readonly by: string; readonly told: Told }
  | { readonly kind: 'signOut' }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong'; readonly by: string }
  | {
      readonly kind: 'call';
      readonly to: string;
      readonly id: string;
      readonly name: Operation;
      readonly args: readonly unknown[];
    }
  | { readonly kind: 'reply'; readonly id: string; readonly value?: unknown; readonly error?: unknown };

/** A word of one kind. */
export type WordOf<Kind extends Word['kind']> = Word & { readonly kind: Kind };
