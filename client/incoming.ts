import type { Limits, Message, ServerFrame } from '../protocol/index.ts';
import { isObject, parseJson } from '../protocol/json.ts';

/**
 * What came in. `serviceError` is a frame of API Gateway itself (`{"message": "Internal server error", …}`), sent when a
 * handler failed or was too slow: it has no type, and does not say which frame it answers.
 */
export type Incoming = { readonly frame: ServerFrame } | { readonly serviceError: string } | undefined;

/** Reads a frame; `undefined` for what is none, or none of a type that this client knows. Unknown fields are let be. */
export function readFrame(text: string): Incoming {
  const parsed = parseJson(text);
  const frame = parsed.ok ? parsed.value : undefined;
  if (!isObject(frame)) return undefined;
  const { type, message } = frame as { readonly type: unknown; readonly message: unknown };
  if (type === undefined) return typeof message === 'string' ? { serviceError: message } : undefined;
  const looksRight = SHAPES[type as ServerFrame['type']];
  return looksRight?.(frame) ? { frame: frame as unknown as ServerFrame } : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Just enough of each frame that handling it cannot throw. The server's own tests see to the rest. */
const SHAPES: Readonly<Partial<Record<ServerFrame['type'], (frame: Fields) => boolean>>> = {
  registered: ({ userId, connectionId, serverTime, limits }: RegisteredFields) =>
    typeof userId === 'string' &&
    typeof connectionId === 'string' &&
    typeof serverTime === 'number' &&
    isLimits(limits),
  ack: ({ results }: { readonly results?: unknown }) => Array.isArray(results) && results.every(isObject),
  pong: () => true,
  error: ({ code, message }: { readonly code?: unknown; readonly message?: unknown }) =>
    typeof code === 'string' && typeof message === 'string',
  messages: ({ messages }: { readonly messages?: unknown }) => Array.isArray(messages) && messages.every(isMessage),
};

interface RegisteredFields {
  readonly userId?: unknown;
  readonly connectionId?: unknown;
  readonly serverTime?: unknown;
  readonly limits?: unknown;
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

function isMessage(value: unknown): boolean {
  const { id, from } = (isObject(value) ? value : {}) as Partial<Message>;
  return typeof id === 'string' && isObject(from);
}
