import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createSender } from '../../server/index.ts';

const sender = createSender({ service: 'notifier' });
const lambda = new LambdaClient();

interface Recipients {
  readonly user?: string;
  readonly invocationUser?: string;
  readonly room?: string;
}

/**
 * Sends in both ways that another Lambda has: through the library to `user`, and by invoking the `send` function to
 * `invocationUser`, which is the same user unless it is given. With `room`, to that in both ways.
 */
export async function handler({ user = '', invocationUser = user, room }: Recipients) {
  const options = { id: 'notice', retry: true };
  const library = await (room === undefined
    ? sender.sendToUser(user, { by: 'library' }, options)
    : sender.sendToRoom(room, { by: 'library' }, options));
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({
      FunctionName: process.env['SEND_FUNCTION'],
      Payload: JSON.stringify({
        to: room === undefined ? { user: invocationUser } : { room },
        data: { by: 'invocation' },
        service: 'notifier',
        id: 'call',
        retry: true,
      }),
    }),
  );
  return { library, invocation: JSON.parse(Payload?.transformToString() ?? 'null'), FunctionError };
}
