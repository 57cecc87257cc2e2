import * as v from 'valibot';
import { messageSchema, userIdSchema } from './frames.ts';
import { isObject } from './json.ts';

/** The name that recipients see. Default: `server`. */
const service = v.optional(userIdSchema);

const oneMessage = v.strictObject({ ...messageSchema.entries, service });

/** Each message is judged by itself: one that is invalid does not stop the others. */
const severalMessages = v.strictObject({
  messages: v.pipe(
    v.array(v.unknown(), 'must be an array of messages'),
    v.minLength(1, 'must hold at least one message'),
  ),
  service,
  /** Whether the invocation fails when one of the messages cannot be sent. Default: false. */
  failIfAnyFails: v.optional(v.boolean('must be true or false')),
});

/** What the function `send` is invoked with. */
export const sendEventSchema = v.lazy((event): typeof oneMessage | typeof severalMessages =>
  isObject(event) && Object.hasOwn(event, 'messages') ? severalMessages : oneMessage,
);

export type SendEvent = v.InferOutput<typeof sendEventSchema>;
