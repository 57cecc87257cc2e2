import type { Carried, Schema } from '../protocol/index.ts';
import type { Client, Payload, Sendable } from './api.ts';
import { SessionClient } from './client.ts';
import { LOADERS } from './loaders.ts';
import { type ConnectOptions, resolveOptions } from './options.ts';

export type {
  Bytes,
  Carried,
  DeliveryStatus,
  ErrorCode,
  Json,
  JsonValue,
  Limits,
  Markers,
  MessageSource,
  Peer,
  Presence,
  Recipient,
  Schema,
  SchemaIssue,
  SchemaResult,
  SendResult,
  UserStatus,
} from '../protocol/index.ts';
export type * from './api.ts';
export type { WebSocketConstructor, WebSocketLike } from './environment.ts';
export { BeckonError, type BeckonErrorCode, type BeckonErrorOptions, type ClientCode } from './errors.ts';
export type { ConnectOptions, Durations, TokenRequest } from './options.ts';
export type { ConnectionState, Reason } from './state.ts';
export type { ClientStorage } from './storage/storage.ts';

/** A schema whose input JSON can carry. Its output may be any type. */
type CarriedSchema<Input, Output> = Schema<Input, Output> & ([Input] extends [Carried<Input>] ? unknown : never);

/**
 * Connects a user, and keeps them connected until `close()`.
 *
 * ```ts
 * const client = connect<{ text: string }>({ url, getToken: () => fetchToken() });
 * client.on('message', ({ from, data }) => show(from, data.text));
 * await client.sendToUser('bob', { text: 'hi' });
 * ```
 * With a `schema`, the types are those of the schema: `connect({ url, getToken, schema })`.
 * @typeParam Incoming The data of messages that arrive. Default: any JSON, or bytes.
 * @typeParam Outgoing The data of messages that are sent. Default: the same; for bytes, whatever holds them.
 * @throws TypeError that names the option that is wrong, or says that there is no WebSocket.
 */
export function connect<Incoming, Outgoing = Sendable<Incoming>>(
  options: ConnectOptions<Incoming, Outgoing> & { readonly schema: CarriedSchema<Outgoing, Incoming> },
): Client<Incoming, Outgoing>;
export function connect<Incoming extends Carried<Incoming> = Payload, Outgoing = Sendable<Incoming>>(
  options: ConnectOptions<Incoming, Outgoing>,
): Client<Incoming, Outgoing>;
export function connect(options: ConnectOptions): Client {
  return new SessionClient<Payload, Sendable<Payload>>(resolveOptions(options), LOADERS);
}
