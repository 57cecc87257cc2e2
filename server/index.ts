/**
 * Sends to connected users from any Lambda that has been granted it with `beckon.grantSend(fn)`.
 *
 * ```ts
 * const sender = createSender();
 * export const handler = async () => {
 *   await sender.sendToUser('bob', { text: 'Your report is ready.' });
 * };
 * ```
 */
import {
  BeckonError,
  type Carried,
  type Data,
  isUserId,
  type MessageInput,
  NAME_RULE,
  problem,
  type SendFailure,
  type SendResult,
  toError,
} from '../protocol/index.ts';
import { composeDirectory, composeInboxes, composeSend } from './aws/index.ts';
import { sendBatch } from './batch.ts';
import { allBlocked, setBlocked } from './block.ts';
import { readFunctionName } from './config.ts';
import { createLogger } from './logger.ts';
import { encodeMessage, type ServiceMessage, sendServiceBatch } from './service-batch.ts';

export type {
  Bytes,
  Carried,
  ConnectionCounts,
  Data,
  ErrorCode,
  Json,
  JsonValue,
  SendFailure,
  SendResult,
  UserStatus,
} from '../protocol/index.ts';
export type { ServiceMessage as MessageInput };
export { BeckonError };

export interface SenderOptions {
  /** The name under which recipients see this sender, as `from.service`. Default: the Lambda function's name, or `server`. */
  readonly service?: string;
}

export interface SendOptions {
  /** The identity of the message across retries. Default: a random UUID. */
  readonly id?: string;
  /**
   * How `data` is encoded already, which clients of this project undo: `base64` says that it is bytes, `gzip/base64` bytes and
   * `json/gzip/base64` JSON that were compressed first. Default: `base64` for bytes; other data is what it says.
   */
  readonly encoding?: string;
  /** Whether it is kept for devices that are not connected. Default: true. */
  readonly store?: boolean;
  /** How long it is kept, in seconds. Default: the installation's retention, which is also the most. */
  readonly ttlSeconds?: number;
  /** Says that it may have been sent before, under the same id: then the first stands. Default: false. */
  readonly retry?: boolean;
}

/**
 * Sends messages as a service. One for the life of the process: it keeps its connections to AWS open.
 * @typeParam Outgoing The data of messages. Default: any JSON, or bytes.
 */
export interface Sender<Outgoing = Data> {
  /**
   * Sends to every device of one user: those that are connected now, and the others when they come back.
   * @param data Any JSON, or bytes, which arrive as a `Uint8Array`: by the rules of the client.
   * @throws TypeError if the data is neither, and where it is not; BeckonError if the user's id, an option or the size of the data is
   *   not acceptable (`code`). With the code `internal` it may have been sent, or be sent by a resume: something failed, or the API
   *   cannot be reached from here. Try again with the same `id` and `retry`. The SDK's errors if the recipient cannot be looked up
   */
  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;
  /** Sends one message to at most 100 users. Throws as `sendToUser` does. */
  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult>;
  /** Sends to everybody in a room, and to those who come back to it. Throws as `sendToUser` does. */
  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;
  /** Sends several messages in their order. One that is invalid does not stop the others: its result holds the error. */
  send(messages: readonly ServiceMessage<Outgoing>[]): Promise<readonly (SendResult | SendFailure)[]>;
  /**
   * Keeps messages of one user out of the inbox of another, on the recipient's behalf. Rooms and services are not concerned.
   * @throws BeckonError with `invalid_frame` if one of the ids is none, or both are the same; `too_many_blocked`
   */
  block(recipient: string, sender: string): Promise<void>;
  /** Lets them in again. Throws as `block` does. */
  unblock(recipient: string, sender: string): Promise<void>;
  /** Tells whom the recipient has blocked, by name. */
  blocked(recipient: string): Promise<readonly string[]>;
}

/** @throws BeckonError if it is none */
function requireUserId(name: string, value: string): string {
  if (isUserId(value)) return value;
  throw toError(problem('invalid_frame', `"${name}" must be a user id: at most 256 ${NAME_RULE}`));
}

/** What is no list is left for the schema to refuse: the letters of a name would be users, too. */
function copyOf(users: readonly string[]): string[] {
  return Array.isArray(users) ? [...users] : (users as string[]);
}

/** @throws Error naming an environment variable that `grantSend` would have set; TypeError for a wrong option */
export function createSender<Outgoing extends Carried<Outgoing> = Data>(options: SenderOptions = {}): Sender<Outgoing> {
  const { service = readFunctionName() ?? 'server', ...unknown } = options;
  const [extra] = Object.keys(unknown);
  if (extra !== undefined) throw new TypeError(`createSender has no option "${extra}"; it has service`);
  if (!isUserId(service))
    throw new TypeError(`service must be a name: at most 256 ${NAME_RULE}; got ${JSON.stringify(service)}`);
  const now = Date.now;
  const directory = composeDirectory(now);
  const send = composeSend({ directory, now, log: createLogger() });

  const inboxes = composeInboxes(now);
  const change = async (recipient: string, sender: string, isBlocked: boolean) => {
    const key = { recipient: requireUserId('recipient', recipient), sender: requireUserId('sender', sender) };
    const wrong = await setBlocked(inboxes, key, isBlocked);
    if (wrong) throw toError(wrong);
  };

  const origin = { from: { service } };
  const sendAll: Sender<Outgoing>['send'] = async (messages) => {
    if (!Array.isArray(messages)) throw new TypeError(`send: "messages" must be an array, got ${typeof messages}`);
    const sent = await sendServiceBatch(send, origin, messages);
    if (!sent.ok) throw toError(sent.problem);
    return sent.value;
  };
  const sendOne = async (to: MessageInput['to'], data: Outgoing, sendOptions: SendOptions = {}) => {
    const sent = await sendBatch(send, origin, [await encodeMessage({ ...sendOptions, to, data })]);
    if (!sent.ok) throw toError(sent.problem);
    const [result] = sent.value;
    if (!result) throw toError(problem('internal'));
    if ('error' in result) throw toError(result.error);
    return result;
  };
  return {
    sendToUser: (user, data, sendOptions) => sendOne({ user }, data, sendOptions),
    sendToUsers: (users, data, sendOptions) => sendOne({ users: copyOf(users) }, data, sendOptions),
    sendToRoom: (room, data, sendOptions) => sendOne({ room }, data, sendOptions),
    send: sendAll,
    block: (recipient, sender) => change(recipient, sender, true),
    unblock: (recipient, sender) => change(recipient, sender, false),
    blocked: async (recipient) => allBlocked(inboxes, requireUserId('recipient', recipient)),
  };
}
