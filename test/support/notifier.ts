import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createSender } from '../../server/index.ts';

const sender = createSender({ service: 'notifier' });
const lambda = new LambdaClient();

/**
 * Sends in both ways that another Lambda has: through the library to `user`, and by invoking the `send` function to
 * `invocationUser`, which is the same user unless it is given.
 */
export async function handler({ user, invocationUser = user }: { user: string; invocationUser?: string }) {
  const library = await sender.sendToUser(user, { by: 'library' }, { id: 'notice', retry: true });
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({
      FunctionName: process.env['SEND_FUNCTION'],
      Payload: JSON.stringify({
        to: { user: invocationUser },
        data: { by: 'invocation' },
        service: 'notifier',
        id: 'call',
        retry: true,
      }),
    }),
  );
  return { library, invocation: JSON.parse(Payload?.transformToString() ?? 'null'), FunctionError };
}
