import type { Action, ErrorCode } from '../protocol/index.ts';

/** What can be refused: a frame, or a handshake. */
export type Refusable = Action | 'connect';

export interface RefusalOptions {
  /** Whose frame. Default: anybody's. */
  readonly user?: string;
  /** When to try again, in milliseconds. Default: the server does not say. */
  readonly retryAfterMs?: number;
}

export interface Refusal extends RefusalOptions {
  readonly action: Refusable;
  readonly code: ErrorCode;
}

/** What is to be refused, once each. */
export interface Refusals {
  add(refusal: Refusal): void;
  /** Takes the first refusal that is for this; `undefined`: it is not to be refused. */
  take(action: string, user: string | undefined): Refusal | undefined;
}

export function createRefusals(): Refusals {
  const refusals: Refusal[] = [];
  return {
    add: (refusal) => refusals.push(refusal),
    take(action, user) {
      const at = refusals.findIndex((each) => each.action === action && (each.user ?? user) === user);
      return at === -1 ? undefined : refusals.splice(at, 1)[0];
    },
  };
}
