import {
  BeckonError,
  type Carried,
  checkServiceMessage,
  type Data,
  isUserId,
  type MessageInput,
  NAME_RULE,
  type Problem,
  problem,
  type Schema,
  type SendResult,
  toError,
} from '../protocol/index.ts';
import { checkSignal, unlessAborted } from './abort.ts';
import { sendBatch } from './sending/batch.ts';
import { allBlocked, setBlocked } from './sending/block.ts';
import type { Inboxes } from './sending/inboxes.ts';
import type { Send } from './sending/send.ts';
import { encodeMessage, type ServiceMessage, sendServiceBatch } from './sending/service-batch.ts';

export interface CallOptions {
  /**
   * Stops waiting when it aborts: the call rejects with the signal's reason. The message may be sent all the same;
   * retry it with the same `id` and `retry`. Default: none.
   *
   * ```ts
   * await sender.sendToUser('bob', report, { id: report.id, signal: AbortSignal.timeout(2_000) });
   * ```
   */
  readonly signal?: AbortSignal;
}

/**
 * How to send a message. An invalid option rejects with {@link BeckonError}, `invalid_frame`, and names the option.
 *
 * ```ts
 * await sender.sendToUser('bob', { typing: true }, { ephemeral: true });
 * await sender.sendToUser('bob', { order, shipped: true }, { id: `shipped-${order}`, retry: true, ttlSeconds: 86_400 });
 * await sender.sendToUser('bob', gzipSync(text).toString('base64'), { encoding: 'gzip/base64' });
 * ```
 */
export interface SendOptions extends CallOptions {
  /** The identity of the message across retries: letters, digits, `_.:-`, at most 64. Default: a random UUID. */
  readonly id?: string;
  /**
   * The encoding of `data`, if you have encoded it already. Clients of this project decode `base64` (bytes),
   * `gzip/base64` (compressed bytes) and `json/gzip/base64` (compressed JSON). Default: `base64` for bytes, none for
   * other data.
   */
  readonly encoding?: string;
  /** Whether only devices that are connected now get the message: Beckon does not store it. Default: false. */
  readonly ephemeral?: boolean;
  /** How long the message is kept, in seconds. Default and maximum: the installation's retention. */
  readonly ttlSeconds?: number;
  /**
   * Whether the recipient's client marks the message as received. It is for users and messages that are stored: a
   * service gets no receipts. Default: false.
   */
  readonly receipt?: boolean;
  /** Whether you may have sent the message before, under the same id: then recipients get it once. Default: false. */
  readonly retry?: boolean;
}

/** Why one message of several was not sent. The others are not affected. */
export interface SendFailure {
  readonly id?: string;
  /** The error with which `sendToUser` would have rejected. */
  readonly error: BeckonError;
}

/**
 * Sends messages as a service. Make one for the life of the process: it keeps its connections to AWS open.
 * @typeParam Outgoing The data of messages. Default: any JSON, or bytes.
 */
export interface Sender<Outgoing = Data> {
  /**
   * Sends to every device of one user: to connected devices now, and to the others when they come back.
   *
   * ```ts
   * const { status } = await sender.sendToUser('bob', { title: 'Sales in May' }, { ttlSeconds: 3600 });
   * ```
   * @param data Any JSON, or bytes, which arrive as a `Uint8Array`.
   * @throws TypeError if the data is neither, or the sender's schema rejects it, and names the place; {@link BeckonError} if the user's id, an option or
   *   the size of the data is invalid, or the recipient does not accept the message (`code`). If AWS fails, the code is
   *   `internal`, and `cause` is the error of the AWS SDK: retry with the same `id` and `retry`. Unless
   *   `maybeDelivered` is set, nothing was sent. The reason of a signal that aborts
   */
  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;
  /** Sends one message to at most 100 users. Throws as `sendToUser` does. */
  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult>;
  /** Sends to everybody in a room, and to members of the room who come back. Throws as `sendToUser` does. */
  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;
  /**
   * Sends several messages in their order. One invalid message does not stop the others: its result holds the error.
   *
   * ```ts
   * const results = await sender.send([{ to: { user: 'bob' }, data: report }, { to: { room: 'sales' }, data: report }]);
   * const failures = results.filter((result) => 'error' in result);
   * ```
   * @throws BeckonError with `internal` if nothing was sent, because a recipient could not be looked up
   */
  send(
    messages: readonly ServiceMessage<Outgoing>[],
    options?: CallOptions,
  ): Promise<readonly (SendResult | SendFailure)[]>;
  /**
   * Keeps messages of one user out of the inbox of another, on the recipient's behalf. Messages in rooms and of
   * services still arrive.
   *
   * ```ts
   * await sender.block('bob', 'mallory');
   * console.log(await sender.blocked('bob')); // [ 'mallory' ]
   * ```
   * @throws BeckonError with `invalid_frame` if an id is invalid, or both are the same; `too_many_blocked`; `internal`
   */
  block(recipient: string, sender: string): Promise<void>;
  /** Undoes `block`. Throws as `block` does. */
  unblock(recipient: string, sender: string): Promise<void>;
  /** Tells whom the recipient has blocked, in the order of their ids. Throws as `block` does. */
  blocked(recipient: string): Promise<readonly string[]>;
}

/** @throws BeckonError if the value is not a user id */
function requireUserId(name: string, value: string): string {
  if (isUserId(value)) return value;
  throw toError(problem('invalid_frame', `"${name}" must be a user id: at most 256 ${NAME_RULE}`));
}

/** Copies a list. The schema refuses other values: a string must not become a list of its characters. */
function copyOf(users: readonly string[]): string[] {
  return Array.isArray(users) ? [...users] : (users as string[]);
}

/** Turns a failure of AWS or Node into one code, with the original error as its cause. */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BeckonError) throw cause;
    throw new BeckonError('internal', problem('internal').message, { cause });
  }
}

/** What a sender stands on. */
export interface SenderParts {
  /** Makes what sends. `onFailure` is to get the reason why a message could not be sent, and the problem that is told. */
  readonly composeSend: (onFailure: (cause: unknown, told: Problem) => void) => Send;
  readonly inboxes: Inboxes;
  /** The name of the sender. */
  readonly service: string;
  /** Checks the data of messages. Default: nothing does. */
  readonly schema?: Schema | undefined;
  /** Ends the sender when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes a sender over its parts. */
export function createSenderOver<Outgoing extends Carried<Outgoing> = Data>(parts: SenderParts): Sender<Outgoing> {
  const { inboxes, service, schema, signal } = parts;
  /** Why messages could not be sent, by the problem in their result. */
  const causes = new WeakMap<Problem, unknown>();
  const send = parts.composeSend((cause, told) => causes.set(told, cause));
  const run = <T>(work: () => Promise<T>, ofCall?: AbortSignal) =>
    unlessAborted(() => translated(work), signal, checkSignal(ofCall));

  const change = async (recipient: string, sender: string, isBlocked: boolean) => {
    const key = { recipient: requireUserId('recipient', recipient), sender: requireUserId('sender', sender) };
    const wrong = await run(() => setBlocked(inboxes, key, isBlocked));
    if (wrong) throw toError(wrong);
  };

  const errorOf = (told: Problem) =>
    causes.has(told)
      ? new BeckonError(told.code, told.message, { ...told, cause: causes.get(told), maybeDelivered: true })
      : toError(told);
  const origin = { from: { service } };
  const sendAll: Sender<Outgoing>['send'] = async (messages, { signal: ofCall } = {}) => {
    if (!Array.isArray(messages)) throw new TypeError(`send: "messages" must be an array, got ${typeof messages}`);
    const sent = await run(() => sendServiceBatch(send, origin, messages, schema), ofCall);
    if (!sent.ok) throw toError(sent.problem);
    return sent.value.map((result) => ('error' in result ? { ...result, error: errorOf(result.error) } : result));
  };
  const sendOne = async (
    to: MessageInput['to'],
    data: Outgoing,
    { signal: ofCall, ...sendOptions }: SendOptions = {},
  ) => {
    const message = await encodeMessage({ ...sendOptions, to, data }, schema);
    const sent = await run(() => sendBatch(send, origin, [message], { check: checkServiceMessage }), ofCall);
    if (!sent.ok) throw toError(sent.problem);
    const [result] = sent.value;
    if (!result) throw new Error('sendBatch gave no result');
    if ('error' in result) throw errorOf(result.error);
    return result;
  };
  return {
    sendToUser: (user, data, sendOptions) => sendOne({ user }, data, sendOptions),
    sendToUsers: (users, data, sendOptions) => sendOne({ users: copyOf(users) }, data, sendOptions),
    sendToRoom: (room, data, sendOptions) => sendOne({ room }, data, sendOptions),
    send: sendAll,
    block: (recipient, sender) => change(recipient, sender, true),
    unblock: (recipient, sender) => change(recipient, sender, false),
    blocked: async (recipient) => {
      const checked = requireUserId('recipient', recipient);
      return run(() => allBlocked(inboxes, checked));
    },
  };
}
