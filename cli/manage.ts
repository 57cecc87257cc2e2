import { createManageClient, type InvokeManage } from '../server/aws/manage-client.ts';
import { readStackOutputs } from '../server/aws/stack-outputs.ts';
import type { ManageEvent } from '../server/operations/manage-event.ts';
import { readArguments } from './arguments.ts';
import { askLocalCloud, DEFAULT_URL } from './ask-local-cloud.ts';
import { typedCommand, UsageError } from './usage.ts';

/** `beckon disconnect USER`: closes the user's connections, or the one of `--connection`. */
export function disconnect(args: readonly string[]): Promise<void> {
  return manage('disconnect USER', args, (user, { connection, reason, reconnect }) => ({
    disconnect: {
      user,
      ...(connection !== undefined && { connectionId: connection }),
      ...(reason !== undefined && { reason }),
      reconnect,
    },
  }));
}

/** `beckon revoke USER`: revokes the user's present tokens, and closes the user's connections. */
export function revoke(args: readonly string[]): Promise<void> {
  return manage('revoke USER', args, (user) => ({ revoke: { user } }));
}

/** `beckon forget USER`: closes the user's connections, and deletes the user's data. */
export function forget(args: readonly string[]): Promise<void> {
  return manage('forget USER', args, (user) => ({ forget: { user } }));
}

/** `beckon block USER SENDER`: keeps the sender's messages out of the user's inbox. */
export function block(args: readonly string[]): Promise<void> {
  return manage('block USER SENDER', args, (user, { sender }) => ({ block: { user, sender } }));
}

/** `beckon unblock USER SENDER`: accepts the sender's messages again. */
export function unblock(args: readonly string[]): Promise<void> {
  return manage('unblock USER SENDER', args, (user, { sender }) => ({ unblock: { user, sender } }));
}

/** `beckon blocked USER`: prints the users that the user has blocked. */
export function blocked(args: readonly string[]): Promise<void> {
  return manage('blocked USER', args, (user) => ({ blocked: { user } }));
}

interface Details {
  /** The second user of `block` and `unblock`, else ''. */
  readonly sender: string;
  readonly connection: string | undefined;
  readonly reason: string | undefined;
  readonly reconnect: boolean;
}

const OPTIONS = {
  function: 'value',
  stack: 'value',
  url: 'value',
  connection: 'value',
  reason: 'value',
  reconnect: 'flag',
} as const;

/**
 * Runs a command through the function `manage`, and prints its result.
 * @param usage The command and its arguments, as the usage shows them.
 */
async function manage(
  usage: string,
  args: readonly string[],
  toEvent: (user: string, details: Details) => ManageEvent,
): Promise<void> {
  const { positionals, value, flag } = readArguments(args, OPTIONS);
  const [user = '', sender = ''] = positionals;
  if (positionals.length !== usage.split(' ').length - 1) throw new UsageError(`expected: beckon ${usage}`);
  const details = { sender, connection: value('connection'), reason: value('reason'), reconnect: flag('reconnect') };
  const event = toEvent(user, details);
  const [command = ''] = usage.split(' ');
  const invoke = await findManage({
    command: `${command} ${positionals.join(' ')}`,
    functionName: value('function'),
    stack: value('stack'),
    url: value('url'),
  });
  process.stdout.write(toText(user, event, await invoke(event)));
}

function toText(user: string, event: ManageEvent, result: Awaited<ReturnType<InvokeManage>>): string {
  const { disconnected, deleted, blocked: names } = result;
  if (names) return names.map((name) => `${name}\n`).join('');
  if ('block' in event) return `${user} no longer accepts messages from ${event.block.sender}\n`;
  if ('unblock' in event) return `${user} accepts messages from ${event.unblock.sender} again\n`;
  return `${user}: ${disconnected} connections closed, ${deleted} items deleted\n`;
}

interface Where {
  /** The command as typed, which errors repeat with another option. */
  readonly command: string;
  readonly functionName: string | undefined;
  /** The name of a deployed stack; with `url`, of a stack in the local cloud. */
  readonly stack: string | undefined;
  readonly url: string | undefined;
}

/** Finds the function by its name, in the outputs of a deployed stack, or in the local cloud. */
async function findManage(where: Where): Promise<InvokeManage> {
  const { command, functionName, stack, url } = where;
  if (functionName !== undefined && stack !== undefined) throw new UsageError('give either --function or --stack');
  if (functionName !== undefined)
    return url === undefined ? createManageClient(functionName) : localClient(functionName, url);
  if (stack === undefined || url !== undefined) return localManage(where);
  const found = functionIn({ [stack]: await readStackOutputs(stack) }, command);
  if (found === undefined) {
    throw new Error(`the stack ${stack} has no output ${OUTPUT}; name the function: --function NAME`);
  }
  return createManageClient(found);
}

const OUTPUT = 'ManageFunctionName';

/** CloudFormation's output has the construct's path before this name, and may have a hash after it. */
const OUTPUT_PATTERN = new RegExp(`${OUTPUT}([0-9A-F]{8})?$`);

type StackOutputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Finds the function `manage` in the outputs of stacks.
 * @param command The command that the error repeats with `--function`.
 * @throws Error that lists the functions, when the stacks have several
 */
function functionIn(stacks: StackOutputs, command: string, url?: string): string | undefined {
  const found = Object.entries(stacks).flatMap(([stack, outputs]) =>
    Object.entries(outputs).flatMap(([name, value]) =>
      OUTPUT_PATTERN.test(name) ? [[`${stack}.${name}`, value]] : [],
    ),
  );
  if (found.length > 1) {
    const at = url === undefined ? '' : ` --url ${url}`;
    const choices = found.map(([output, value]) => `  ${typedCommand(command)} --function ${value}${at}   (${output})`);
    throw new Error(`the stacks have ${found.length} functions that manage users; name one:\n${choices.join('\n')}`);
  }
  return found[0]?.[1];
}

/** Finds the function `manage` in the local cloud's outputs. */
async function localManage({ command, url = DEFAULT_URL, stack }: Where): Promise<InvokeManage> {
  const otherwise = ', or name a deployed stack: --stack NAME';
  const health = await askLocalCloud('/_local/health', { url, command, otherwise });
  const outputs = (health['outputs'] ?? {}) as StackOutputs;
  const stacks = Object.entries(outputs).filter(([name]) => stack === undefined || name === stack);
  const functionName = functionIn(Object.fromEntries(stacks), command, url);
  if (functionName === undefined) {
    const where = stack === undefined ? 'the application' : `the stack ${stack}`;
    const known = Object.keys(outputs).join(', ');
    throw new Error(`${where} at ${url} has no function that manages users; the stacks at that address are ${known}`);
  }
  return localClient(functionName, url);
}

function localClient(functionName: string, endpoint: string): InvokeManage {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return createManageClient(functionName, { endpoint, region: 'us-east-1', credentials });
}
