import * as v from 'valibot';
import { userIdSchema } from './fields.ts';
import { CLIENT_FRAMES } from './frames.ts';
import { isObject } from './json.ts';
import { type MessageInput, messageSchema, type ServiceMessageInput, serviceMessageSchema } from './messages.ts';
import { problem, type Result } from './problem.ts';
import { type SendEvent, sendEventSchema } from './send-event.ts';

/** Returns the correlation id of a frame, even if the frame is otherwise wrong. Its sender then knows which frame failed. */
export function correlationId(frame: unknown): string | undefined {
  const id = isObject(frame) ? frame['id'] : undefined;
  return typeof id === 'string' && id.length <= 64 ? id : undefined;
}

/** Whether a value can be a user's id. */
export function isUserId(value: unknown): value is string {
  return v.is(userIdSchema, value);
}

/** Checks a frame against the schema of its action. The problem names an unknown field. */
export function checkFrame<K extends keyof typeof CLIENT_FRAMES>(
  kind: K,
  frame: unknown,
): Result<v.InferOutput<(typeof CLIENT_FRAMES)[K]>> {
  return check(CLIENT_FRAMES[kind], frame, 'the frame');
}

/** Checks one message of a batch against its schema. */
export function checkMessage(message: unknown): Result<MessageInput> {
  return check(messageSchema, message, 'the message');
}

/** Checks one message of a service against its schema. */
export function checkServiceMessage(message: unknown): Result<ServiceMessageInput> {
  return check(serviceMessageSchema, message, 'the message');
}

/** Checks the event of the function `send` against its schema. */
export function checkSendEvent(event: unknown): Result<SendEvent> {
  return check(sendEventSchema, event, 'the event');
}

function check<S extends v.GenericSchema>(schema: S, input: unknown, subject: string): Result<v.InferOutput<S>> {
  if (!isObject(input)) return { ok: false, problem: problem('invalid_frame', `${subject} must be a JSON object`) };
  const result = v.safeParse(schema, input);
  if (result.success) return { ok: true, value: result.output };
  return { ok: false, problem: problem('invalid_frame', describe(result.issues[0], subject)) };
}

/** The longest excerpt of a wrong field's name and of its fault, in characters. Both may quote the frame. */
const MAX_TOLD_LENGTH = 100;

function describe(issue: v.BaseIssue<unknown>, subject: string): string {
  const path = v.getDotPath(issue)?.slice(0, MAX_TOLD_LENGTH);
  if (issue.type === 'strict_object' && issue.expected === 'never') return `unknown field "${path}"`;
  if (issue.kind === 'schema' && issue.received === 'undefined') return `"${path}" is required`;
  return `${path ? `"${path}"` : subject} ${issue.message.slice(0, MAX_TOLD_LENGTH)}`;
}
