import type { BeckonErrorCode } from './errors.ts';

/** Why there is no connection. */
export interface Reason {
  readonly code: BeckonErrorCode;
  /** One sentence for developers. */
  readonly message: string;
  /** The code of the server's close frame, if that is how it ended. */
  readonly closeCode?: number;
  /** The status with which the handshake was refused, where the runtime tells it. */
  readonly httpStatus?: number;
}

/**
 * What the connection is doing.
 *
 * | status | meaning |
 * |---|---|
 * | `connecting` | there has been no connection yet |
 * | `connected` | messages flow |
 * | `recovering` | the connection was lost, or nothing is delivered to it any more; the client sees to it |
 * | `suspended` | there has been no connection for `suspendAfterMs`; the client goes on trying: tell the user |
 * | `closed` | by `close()` or the `signal`, for good |
 * | `failed` | the server has closed the connection for good, or there is no token any more, as `reason` explains; for good |
 */
export type ConnectionState =
  | {
      readonly status: 'connected';
      readonly userId: string;
      readonly connectionId: string;
    }
  | {
      readonly status: 'connecting' | 'recovering' | 'suspended';
      /** Why the last connection, or the last attempt, ended. Absent before the first has. */
      readonly reason?: Reason;
      /** When the next attempt is made, epoch milliseconds. Absent while one is being made. */
      readonly retryAtMs?: number;
    }
  | { readonly status: 'closed' | 'failed'; readonly reason: Reason };
