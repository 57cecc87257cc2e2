import type { Message } from '../../protocol/index.ts';
import type { ReceivedMessage } from '../api.ts';
import type { Core } from '../core.ts';

/** Decodes a message of this device. `undefined`: the client's schema rejects it, so another page has sent it. */
export async function readOwn<Data>(core: Core, sent: Message): Promise<ReceivedMessage<Data> | undefined> {
  const [message = sent] = await core.decode([sent]);
  const valid = core.parts.schema ? core.parts.schema.valid(message as ReceivedMessage) : message;
  return valid as ReceivedMessage<Data> | undefined;
}
