import * as v from 'valibot';
import { CLIENT_FRAMES, type MessageInput, messageSchema, userIdSchema } from './frames.ts';
import { isObject } from './json.ts';
import { problem, type Result } from './problem.ts';
import { type SendEvent, sendEventSchema } from './send-event.ts';

/** The correlation id of a frame that may otherwise be wrong, so that its sender can tell which one failed. */
export function correlationId(frame: unknown): string | undefined {
  const id = isObject(frame) ? frame['id'] : undefined;
  return typeof id === 'string' && id.length <= 64 ? id : undefined;
}

/** Whether a value can be a user's id. */
export function isUserId(value: unknown): value is string {
  return v.is(userIdSchema, value);
}

/** Holds a frame against the schema of its action. Unknown fields are refused by name. */
export function checkFrame<K extends keyof typeof CLIENT_FRAMES>(
  kind: K,
  frame: unknown,
): Result<v.InferOutput<(typeof CLIENT_FRAMES)[K]>> {
  return check(CLIENT_FRAMES[kind], frame, 'the frame');
}

/** Holds one message of a batch against its schema. */
export function checkMessage(message: unknown): Result<MessageInput> {
  return check(messageSchema, message, 'the message');
}

/** Holds what the function `send` was invoked with against its schema. */
export function checkSendEvent(event: unknown): Result<SendEvent> {
  return check(sendEventSchema, event, 'the event');
}

function check<S extends v.GenericSchema>(schema: S, input: unknown, subject: string): Result<v.InferOutput<S>> {
  if (!isObject(input)) return { ok: false, problem: problem('invalid_frame', `${subject} must be a JSON object`) };
  const result = v.safeParse(schema, input);
  if (result.success) return { ok: true, value: result.output };
  return { ok: false, problem: problem('invalid_frame', describe(result.issues[0], subject)) };
}

/** How much is told of a wrong field's name, and of what is wrong with it: both may quote the frame. */
const MAX_TOLD_LENGTH = 100;

function describe(issue: v.BaseIssue<unknown>, subject: string): string {
  const path = v.getDotPath(issue)?.slice(0, MAX_TOLD_LENGTH);
  if (issue.type === 'strict_object' && issue.expected === 'never') return `unknown field "${path}"`;
  if (issue.kind === 'schema' && issue.received === 'undefined') return `"${path}" is required`;
  return `${path ? `"${path}"` : subject} ${issue.message.slice(0, MAX_TOLD_LENGTH)}`;
}
