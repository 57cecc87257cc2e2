import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createSender } from '../../server/index.ts';

const sender = createSender({ service: 'notifier' });
const lambda = new LambdaClient();

interface Recipients {
  readonly user?: string;
  readonly invocationUser?: string;
  readonly room?: string;
  /** Runs only this call, and returns its result. */
  readonly trial?: string;
}

/** Calls that an event selects by name: their arguments are not JSON, or the test needs their bare result or error. */
const TRIALS: Readonly<Record<string, () => Promise<unknown>>> = {
  bytes: () => sender.sendToUser('trier', Uint8Array.of(0, 1, 255)),
  blob: () => sender.sendToUser('trier', new Blob(['blob'])),
  date: () => sender.sendToUser('trier', { when: new Date(0) } as never),
  function: () => sender.sendToUser('trier', (() => {}) as never),
  bigint: () => sender.sendToUser('trier', { id: 10n } as never),
  block: () => sender.block('max', 'mel'),
  unblock: () => sender.unblock('max', 'mel'),
  blocked: () => sender.blocked('max'),
  blockThemselves: () => sender.block('max', 'max'),
  letters: () => sender.sendToUsers('bob' as never, 1),
  batch: () =>
    sender.send([
      { to: { user: 'trier' }, data: 'first' },
      { to: { user: 'trier' }, data: { id: 10n } as never, id: 'bad' },
      { to: { user: 'trier' }, data: Uint8Array.of(7) },
    ]),
};

async function attempt(trial: string): Promise<unknown> {
  try {
    return await TRIALS[trial]?.();
  } catch (error) {
    const { name, message, code } = error as Error & { readonly code?: string };
    return { name, message, code };
  }
}

/**
 * A Lambda of another application. It sends in both ways: through the library to `user`, and by invoking the function `send` to
 * `invocationUser` (default: `user`). With `room`, both ways send to the room.
 */
export async function handler({ user = '', invocationUser = user, room, trial }: Recipients) {
  if (trial !== undefined) return attempt(trial);
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
