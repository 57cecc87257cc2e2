/**
 * Sends to connected users from any Lambda that has been granted it with `beckon.grantSend(fn)`.
 *
 * ```ts
 * interface Report { title: string }
 * const sender = createSender<Report>();
 * export const handler = async () => {
 *   await sender.sendToUser('bob', { title: 'Sales in May' });
 * };
 * ```
 */
import { type Carried, type Data, isObject, isSchema, isUserId, NAME_RULE, type Schema } from '../protocol/index.ts';
import { checkSignal } from './abort.ts';
import { composeDirectory, composeInboxes, composeSend } from './aws/index.ts';
import { type ClientSettings, readFunctionName, readSendConfig } from './config.ts';
import type { Logger } from './logger.ts';
import { createSenderOver, type Sender } from './sender.ts';
import { DEFAULT_SERVICE } from './sending/service-batch.ts';

export type {
  BeckonErrorCode,
  BeckonErrorOptions,
  Bytes,
  Carried,
  ClientCode,
  ConnectionCounts,
  Data,
  ErrorCode,
  Json,
  JsonValue,
  Schema,
  SchemaIssue,
  SchemaResult,
  SendResult,
  UserStatus,
} from '../protocol/index.ts';
export { BeckonError } from '../protocol/index.ts';
export type { ClientSettings } from './config.ts';
export type { Logger, LogLine } from './logger.ts';
export type { CallOptions, Sender, SendFailure, SendOptions } from './sender.ts';
export type { ServiceMessage as MessageInput } from './sending/service-batch.ts';

/** @typeParam Outgoing The data of messages. */
// biome-ignore lint/suspicious/noExplicitAny: any schema will do where the data does not matter
export interface SenderOptions<Outgoing = any> {
  /**
   * The name of this sender, which recipients see as `from.service`. Default: the Lambda function's name, or `server`.
   * An invalid name throws a `TypeError`.
   *
   * ```ts
   * createSender({ service: 'reports' });
   * ```
   */
  readonly service?: string;
  /**
   * Checks the data of messages, as recipients will get it: a call rejects with a `TypeError` if the schema rejects the data. Any schema
   * that implements Standard Schema; give the same one to `connect`. It does not see data that you have encoded yourself. Default: none.
   *
   * ```ts
   * createSender({ schema: v.object({ title: v.string() }) });
   * ```
   */
  readonly schema?: Schema<Outgoing, unknown>;
  /**
   * Called with each failure: why a call was rejected with `internal`, and failures that reject no call, because the
   * message was sent: a failed post, or a message that search will not find. It never gets tokens or data. Default: no
   * logger. The sender itself writes neither to standard output nor metrics.
   *
   * ```ts
   * createSender({ logger: (line) => console.warn(JSON.stringify(line)) });
   * ```
   */
  readonly logger?: Logger;
  /**
   * How to reach DynamoDB, SQS and the Management API: `region`, `credentials` and `endpoint`, as the clients of the
   * AWS SDK take them. Default: the environment or the profile.
   *
   * ```ts
   * createSender({ client: { region: 'eu-central-1', credentials: fromTemporaryCredentials({ params: { RoleArn } }) } });
   * ```
   */
  readonly client?: ClientSettings;
  /**
   * Ends the sender when it aborts: every call, including calls under way, rejects with the signal's reason. Default:
   * none.
   *
   * ```ts
   * const stopping = new AbortController();
   * const sender = createSender({ signal: stopping.signal });
   * process.once('SIGTERM', () => stopping.abort());
   * ```
   */
  readonly signal?: AbortSignal;
}

/** @throws TypeError that says what is wrong, and what to do */
function requireOptions(options: SenderOptions): SenderOptions {
  requireNames('createSender', options, ['service', 'schema', 'logger', 'client', 'signal']);
  const { schema, logger, client = {} } = options;
  if (schema !== undefined && !isSchema(schema))
    throw new TypeError(`schema must implement Standard Schema, as those of zod and valibot do; got ${typeof schema}`);
  if (logger !== undefined && typeof logger !== 'function')
    throw new TypeError(`logger must be a function, such as (line) => console.warn(line); got ${typeof logger}`);
  requireNames('client', client, ['region', 'credentials', 'endpoint']);
  if (client.endpoint !== undefined && !URL.canParse(client.endpoint))
    throw new TypeError(`client.endpoint must be a URL, such as http://127.0.0.1:4600; got ${client.endpoint}`);
  checkSignal(options.signal);
  return options;
}

function requireNames(of: string, options: object, names: readonly string[]): void {
  if (!isObject(options)) throw new TypeError(`${of} takes an object with ${names.join(', ')}; got ${typeof options}`);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${of} has no option "${unknown}"; it has ${names.join(', ')}`);
}

/**
 * Makes a sender. See {@link SenderOptions}.
 *
 * ```ts
 * const sender = createSender<Report>({ service: 'reports' });
 * ```
 * @typeParam Outgoing The data of messages: any type that JSON can carry. Default: any JSON, or bytes.
 * @throws Error that names a missing environment variable, which `grantSend` sets; TypeError for an invalid option
 */
export function createSender<Outgoing extends Carried<Outgoing> = Data>(
  options: SenderOptions<Outgoing> = {},
): Sender<Outgoing> {
  const {
    schema,
    service = readFunctionName() ?? DEFAULT_SERVICE,
    logger: log = () => {},
    client,
    signal,
  } = requireOptions(options);
  // The name of the function comes from the environment, which may be wrong too.
  if (!isUserId(service))
    throw new TypeError(`service must be a name: at most 256 ${NAME_RULE}; got ${JSON.stringify(service)}`);
  const config = { ...readSendConfig(), client };
  const now = Date.now;
  const directory = composeDirectory({ now, config });
  return createSenderOver({
    composeSend: (onFailure) => composeSend({ directory, now, log, onFailure }, config),
    inboxes: composeInboxes(now, config),
    service,
    schema,
    signal,
  });
}
