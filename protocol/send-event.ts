import * as v from 'valibot';
import { userIdSchema } from './fields.ts';
import { isObject } from './json.ts';
import { serviceMessageSchema } from './messages.ts';

/** The sender's name, which recipients see. Default: `server`. */
const service = v.optional(userIdSchema);

const oneMessage = v.strictObject({ ...serviceMessageSchema.entries, service });

/** The server checks each message separately: an invalid message does not stop the others. */
const severalMessages = v.strictObject({
  messages: v.pipe(
    v.array(v.unknown(), 'must be an array of messages'),
    v.minLength(1, 'must hold at least one message'),
  ),
  service,
  /** Whether the invocation fails when one of the messages cannot be sent. Default: false. */
  failIfAnyFails: v.optional(v.boolean('must be true or false')),
});

/** The event of the function `send`. */
export const sendEventSchema = v.lazy((event): typeof oneMessage | typeof severalMessages =>
  isObject(event) && Object.hasOwn(event, 'messages') ? severalMessages : oneMessage,
);

export type SendEvent = v.InferOutput<typeof sendEventSchema>;
