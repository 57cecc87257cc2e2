import { isUserId, NAME_RULE } from '../server/config.ts';
import { readArguments, readPairs } from './arguments.ts';
import { askLocalCloud, DEFAULT_URL } from './ask-local-cloud.ts';
import { UsageError } from './usage.ts';

/** `beckon token USER`: prints a token of the local issuer. */
export async function token(args: readonly string[]): Promise<void> {
  const { positionals, value, values } = readArguments(args, { url: 'value', claim: 'values' });
  const [user, ...others] = positionals;
  if (user === undefined || others.length > 0) throw new UsageError('token takes one user: beckon token USER');
  if (!isUserId(user))
    throw new UsageError(`${JSON.stringify(user)} is not a user id: expected at most 256 ${NAME_RULE}`);
  const claims = Object.entries(readPairs('claim', values('claim'))).map(([name, text]) => [name, jsonOrText(text)]);
  const answer = await askLocalCloud('/_local/token', {
    url: value('url') ?? DEFAULT_URL,
    command: `token ${user}`,
    method: 'POST',
    body: JSON.stringify({ ...Object.fromEntries(claims), sub: user }),
  });
  if (answer['token'] === undefined) throw new Error(String(answer['message'] ?? 'the issuer returned no token'));
  process.stdout.write(`${answer['token']}\n`);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
