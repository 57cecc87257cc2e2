import { type BeckonError, isObject, isUserId, NAME_RULE, problem, toError } from '../../protocol/index.ts';

/** What an operator can do about a user. */
export type ManageEvent =
  /** Closes their connections, or one of them, with a word to the client. */
  | {
      readonly disconnect: {
        readonly user: string;
        /** @default all of them */
        readonly connectionId?: string;
        /** One sentence, for the client. */
        readonly reason?: string;
        /** Whether the client may come back. @default false */
        readonly reconnect?: boolean;
      };
    }
  /** Refuses the tokens that they have been issued until now, and closes their connections: they need another token. */
  | { readonly revoke: { readonly user: string } }
  /** Closes their connections, and deletes what is kept of them. */
  | { readonly forget: { readonly user: string } }
  /** Keeps messages of `sender` out of their inbox, or lets them in again. */
  | { readonly block: { readonly user: string; readonly sender: string } }
  | { readonly unblock: { readonly user: string; readonly sender: string } }
  /** Tells whom they have blocked. */
  | { readonly blocked: { readonly user: string } };

/** The longest reason, in UTF-16 code units. */
const MAX_REASON_LENGTH = 200;

const FIELDS = {
  disconnect: ['user', 'connectionId', 'reason', 'reconnect'],
  revoke: ['user'],
  forget: ['user'],
  block: ['user', 'sender'],
  unblock: ['user', 'sender'],
  blocked: ['user'],
} as const;

export function parseEvent(event: unknown): ManageEvent {
  const [name, ...others] = isObject(event) ? Object.keys(event) : [];
  const known = Object.keys(FIELDS).find((each): each is keyof typeof FIELDS => each === name);
  if (!isObject(event) || known === undefined || others.length > 0) {
    throw invalid(`the event must be { X: { user } }, and X one of ${Object.keys(FIELDS).join(', ')}`);
  }
  const given = event[known];
  if (!isObject(given)) throw invalid(`"${known}" must be { user }`);
  for (const field of ['user', 'sender'] as const) {
    if ((FIELDS[known] as readonly string[]).includes(field) && !isUserId(given[field]))
      throw invalid(`"${known}.${field}" must be a user id: at most 256 ${NAME_RULE}`);
  }
  const { connectionId, reason, reconnect } = given;
  const unknown = Object.keys(given).find((field) => !(FIELDS[known] as readonly string[]).includes(field));
  if (unknown !== undefined) throw invalid(`unknown field "${known}.${unknown.slice(0, 64)}"`);
  if (connectionId !== undefined && (typeof connectionId !== 'string' || connectionId === '')) {
    throw invalid('"disconnect.connectionId" must be the id of a connection');
  }
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON_LENGTH)) {
    throw invalid(`"disconnect.reason" must be a text of at most ${MAX_REASON_LENGTH} characters`);
  }
  if (reconnect !== undefined && typeof reconnect !== 'boolean') {
    throw invalid('"disconnect.reconnect" must be true or false');
  }
  return event as ManageEvent;
}

function invalid(message: string): BeckonError {
  return toError(problem('invalid_frame', message));
}
