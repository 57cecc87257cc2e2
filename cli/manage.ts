import { createManageClient, type InvokeManage } from '../server/aws/manage-client.ts';
import { readStackOutputs } from '../server/aws/stack-outputs.ts';
import type { ManageEvent } from '../server/operations/manage-event.ts';
import { readArguments } from './arguments.ts';
import { askLocalCloud, DEFAULT_URL } from './ask-local-cloud.ts';
import { typedCommand, UsageError } from './usage.ts';

/** `beckon disconnect USER`: closes the user's connections, or the one that is named. */
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

/** `beckon revoke USER`: refuses the tokens that the user has been issued until now. */
export function revoke(args: readonly string[]): Promise<void> {
  return manage('revoke USER', args, (user) => ({ revoke: { user } }));
}

/** `beckon forget USER`: deletes what is kept of the user. */
export function forget(args: readonly string[]): Promise<void> {
  return manage('forget USER', args, (user) => ({ forget: { user } }));
}

/** `beckon block USER SENDER`: keeps messages of the sender out of the user's inbox. */
export function block(args: readonly string[]): Promise<void> {
  return manage('block USER SENDER', args, (user, { sender }) => ({ block: { user, sender } }));
}

/** `beckon unblock USER SENDER`: lets them in again. */
export function unblock(args: readonly string[]): Promise<void> {
  return manage('unblock USER SENDER', args, (user, { sender }) => ({ unblock: { user, sender } }));
}

/** `beckon blocked USER`: whom the user has blocked. */
export function blocked(args: readonly string[]): Promise<void> {
  return manage('blocked USER', args, (user) => ({ blocked: { user } }));
}

interface Details {
  /** The second user, of a command that takes two. */
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

/** @param usage the command, and what it takes */
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
  if ('block' in event) return `${user}: does not accept messages of ${event.block.sender}\n`;
  if ('unblock' in event) return `${user}: accepts messages of ${event.unblock.sender}\n`;
  return `${user}: ${disconnected} connections closed, ${deleted} items deleted\n`;
}

interface Where {
  /** What was typed, to be typed again with another URL. */
  readonly command: string;
  readonly functionName: string | undefined;
  /** The name of a stack: one that is deployed, or with `url` one of the local cloud. */
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
    throw new Error(`the stack ${stack} has no output ${OUTPUT}. Name its function: --function NAME`);
  }
  return createManageClient(found);
}

const OUTPUT = 'ManageFunctionName';

/** The construct's own output has the path of the construct before its name, and a hash behind it. */
const OUTPUT_PATTERN = new RegExp(`${OUTPUT}([0-9A-F]{8})?$`);

type StackOutputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Finds the function in the outputs of stacks.
 * @param command What to type again with `--function`, when there are several.
 * @throws Error naming the functions when there are several
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
    throw new Error(`there are ${found.length} functions to manage users with. Name one:\n${choices.join('\n')}`);
  }
  return found[0]?.[1];
}

/** Finds the function in the outputs that the local cloud tells of. */
async function localManage({ command, url = DEFAULT_URL, stack }: Where): Promise<InvokeManage> {
  const otherwise = ', or name a deployed stack with --stack';
  const health = await askLocalCloud('/_local/health', { url, command, otherwise });
  const outputs = (health['outputs'] ?? {}) as StackOutputs;
  const stacks = Object.entries(outputs).filter(([name]) => stack === undefined || name === stack);
  const functionName = functionIn(Object.fromEntries(stacks), command, url);
  if (functionName === undefined) {
    const where = stack === undefined ? 'the application' : `the stack ${stack}`;
    const known = Object.keys(outputs).join(', ');
    throw new Error(`${where} at ${url} has no function to manage users with; its stacks are ${known}`);
  }
  return localClient(functionName, url);
}

function localClient(functionName: string, endpoint: string): InvokeManage {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return createManageClient(functionName, { endpoint, region: 'us-east-1', credentials });
}
