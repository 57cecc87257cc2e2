import type { Limits, Message, ServerFrame } from '../../protocol/index.ts';
import { isObject } from '../../protocol/json.ts';
import type { BeckonError } from '../errors.ts';

/**
 * What came in. `serviceError` is a frame of API Gateway itself (`{"message": "Internal server error", …}`), sent when a
 * handler failed or was too slow: it has no type, and does not say which frame it answers.
 */
export type Incoming =
  | { readonly frame: ServerFrame }
  | { readonly serviceError: string }
  /** Why the messages in a frame could not be decoded. */
  | { readonly failure: BeckonError }
  | undefined;

/** What the parts of the client do with frames. */
export interface FrameParts {
  /** Whether a part asks for such frames, and can handle this one. */
  accepts(frame: Fields): boolean;
  /**
   * Decodes the data of messages.
   * @throws BeckonError `load_failed`, as a rejection.
   */
  decode(messages: readonly Message[]): readonly Message[] | Promise<readonly Message[]>;
}

/**
 * Reads a frame (`undefined`: a binary one) and decodes the messages in it, which may take a promise. Returns `undefined` for text that
 * is not a frame, and for a frame of an unknown type. Ignores unknown fields.
 */
export function readFrame(text: string | undefined, parts: FrameParts): Incoming | Promise<Incoming> {
  const frame = parse(text ?? '');
  if (!isObject(frame)) return undefined;
  const { type, message } = frame as Fields;
  if (type === undefined) return typeof message === 'string' ? { serviceError: message } : undefined;
  if (!looksRight(frame) && !parts.accepts(frame)) return undefined;
  const messages = 'messages' in frame && parts.decode(frame['messages'] as readonly Message[]);
  return messages instanceof Promise
    ? messages.then(
        (decoded) => ({ frame: { ...frame, messages: decoded } as unknown as ServerFrame }),
        (failure: BeckonError) => ({ failure }),
      )
    : { frame: frame as unknown as ServerFrame };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fields of a frame before they are checked. */
export type Fields = { readonly [name in AllKeys<ServerFrame>]?: unknown };
type AllKeys<T> = T extends unknown ? keyof T : never;

/**
 * Checks just enough of each frame that handling it cannot throw. The server's tests check the rest. The parts check the frames that
 * they ask for.
 */
function looksRight({ type, code, message, messages, from, conversation, ...frame }: Fields): boolean {
  switch (type) {
    case 'registered':
      return isRegistration(frame) && isPage(messages, frame.more);
    case 'error':
    case 'bye':
      return typeof code === 'string' && typeof message === 'string';
    case 'messages':
    case 'pong':
      return isPage(messages, frame.more);
    case 'marker':
      return isObject(conversation);
    default:
      return type === 'receipt' && isObject(from);
  }
}

function isRegistration({ userId, serverTime, cursor, limits, shown = [] }: Fields): boolean {
  const hasPlace = typeof userId === 'string' && typeof serverTime === 'number' && typeof cursor === 'string';
  return hasPlace && isLimits(limits) && Array.isArray(shown) && shown.every(isShown);
}

function isShown(value: unknown): boolean {
  return isObject(value) && isObject(value['from']) && Array.isArray(value['ids']);
}

/** The client asks for the next page by the last message of this one, so a page with `more` has messages. */
export function isPage(messages: unknown, more?: unknown): boolean {
  return Array.isArray(messages) && messages.every(isMessage) && (!more || messages.length > 0);
}

function isMessage(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { id, serial, from, to } = value as { readonly [name in keyof Message]?: unknown };
  return typeof id === 'string' && typeof serial === 'string' && isObject(from) && isObject(to);
}

function isLimits(value: unknown): boolean {
  const needed: readonly (keyof Limits)[] = [
    'heartbeatSeconds',
    'maxFrameBytes',
    'maxDataBytes',
    'maxMessagesPerFrame',
  ];
  return isObject(value) && needed.every((name) => typeof value[name] === 'number' && value[name] > 0);
}
