import { isObject, isUserId, NAME_RULE, type Problem, problem, type Result } from '../../protocol/index.ts';

/** What an operator can do about a user, by the name of the command. */
interface Commands {
  /** Closes the connections of a user, or one of them, and tells the client why. */
  readonly disconnect: {
    readonly user: string;
    /** @default all of them */
    readonly connectionId?: string;
    /** One sentence, for the client. */
    readonly reason?: string;
    /** Whether the client may connect again. @default false */
    readonly reconnect?: boolean;
  };
  /** Refuses every token that the user has now, and closes the connections: the client needs a new token. */
  readonly revoke: { readonly user: string };
  /** Closes the connections of a user, and deletes what the tables keep of the user. */
  readonly forget: { readonly user: string };
  /** Keeps messages of `sender` out of the user's inbox. */
  readonly block: { readonly user: string; readonly sender: string };
  /** Lets messages of `sender` in again. */
  readonly unblock: { readonly user: string; readonly sender: string };
  /** Tells whom the user has blocked. */
  readonly blocked: { readonly user: string };
}

/** One command: `{ revoke: { user: 'bob' } }`. */
export type ManageEvent = { [Name in keyof Commands]: Readonly<Record<Name, Commands[Name]>> }[keyof Commands];

/** The longest reason, in UTF-16 code units. */
const MAX_REASON_LENGTH = 200;

/** What a field must be, and whether a value is that. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const USER: Rule = { expected: `a user id: at most 256 ${NAME_RULE}`, holds: isUserId };

/** Every field of every command. */
const RULES: { readonly [Name in keyof Commands]: { readonly [Field in keyof Commands[Name]]-?: Rule } } = {
  disconnect: {
    user: USER,
    connectionId: optional('the id of a connection', (value) => typeof value === 'string' && value !== ''),
    reason: optional(
      `a text of at most ${MAX_REASON_LENGTH} characters`,
      (value) => typeof value === 'string' && value.length <= MAX_REASON_LENGTH,
    ),
    reconnect: optional('true or false', (value) => typeof value === 'boolean'),
  },
  revoke: { user: USER },
  forget: { user: USER },
  block: { user: USER, sender: USER },
  unblock: { user: USER, sender: USER },
  blocked: { user: USER },
};

function optional(expected: string, holds: Rule['holds']): Rule {
  return { expected, holds: (value) => value === undefined || holds(value) };
}

/** Reads the event of the `manage` function, or says what is wrong with it. */
export function parseEvent(event: unknown): Result<ManageEvent> {
  const wrong = problemOf(event);
  return wrong ? { ok: false, problem: wrong } : { ok: true, value: event as ManageEvent };
}

function problemOf(event: unknown): Problem | undefined {
  const [name = '', ...others] = isObject(event) ? Object.keys(event) : [];
  if (!isObject(event) || !Object.hasOwn(RULES, name) || others.length > 0) {
    return invalid(`the event must be { X: { user } }, and X one of ${Object.keys(RULES).join(', ')}`);
  }
  const fields = event[name];
  if (!isObject(fields)) return invalid(`"${name}" must be { user }`);
  const rules: Readonly<Record<string, Rule>> = RULES[name as keyof Commands];
  for (const [field, { expected, holds }] of Object.entries(rules)) {
    if (!holds(fields[field])) return invalid(`"${name}.${field}" must be ${expected}`);
  }
  const unknown = Object.keys(fields).find((field) => !Object.hasOwn(rules, field));
  return unknown === undefined ? undefined : invalid(`unknown field "${name}.${unknown.slice(0, 64)}"`);
}

function invalid(detail: string): Problem {
  return problem('invalid_frame', detail);
}
