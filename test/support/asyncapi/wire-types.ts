import type {
  ErrorReply,
  Limits,
  Message,
  MessageFailure,
  Pushes,
  Replies,
  SendResult,
} from '../../../protocol/index.ts';
import type { InvocationProblem } from '../../../server/edge/invocation.ts';
import type { ServiceSend } from '../../../server/sending/service-send.ts';

// The types whose schemas the documents have. `readSchemas` reads them here, by the names of these interfaces.

export type { Replies };

/** The frames of the server that answer no action. */
export interface OtherFrames extends Pushes {
  readonly error: ErrorReply;
}

/** The shared parts of the server's frames, by the names of their schemas. */
export interface SharedParts {
  readonly message: Message;
  readonly limits: Limits;
  readonly result: SendResult;
  readonly failure: MessageFailure;
}

/** What the function `send` returns, and how it fails. */
export interface SendOutcomes {
  readonly answer: Awaited<ReturnType<ServiceSend>>;
  /** Lambda's form of an error. For Lambda's own errors the type is not one of our codes. */
  readonly failed: { readonly errorType: string; readonly errorMessage: string; readonly trace?: readonly string[] };
  /** The JSON text in `errorMessage`. */
  readonly error: InvocationProblem;
  readonly result: SendResult;
  readonly failure: MessageFailure;
}
