import { isUserId, NAME_RULE } from '../server/config.ts';
import { readArguments, readPairs } from './arguments.ts';
import { UsageError } from './usage.ts';

/** `beckon token USER`: prints a token of the local issuer. */
export async function token(args: readonly string[]): Promise<void> {
  const { positionals, value, values } = readArguments(args, { url: 'value', claim: 'values' });
  const [user, ...others] = positionals;
  if (user === undefined || others.length > 0) throw new UsageError('token takes one user: beckon token USER');
  if (!isUserId(user)) throw new UsageError(`${JSON.stringify(user)} is no user id: at most 256 ${NAME_RULE}`);
  const claims = Object.entries(readPairs('claim', values('claim'))).map(([name, text]) => [name, jsonOrText(text)]);
  const url = value('url') ?? 'http://127.0.0.1:4600';
  const response = await ask(url, { ...Object.fromEntries(claims), sub: user });
  process.stdout.write(`${response}\n`);
}

async function ask(url: string, claims: unknown): Promise<string> {
  let response: Response;
  try {
    response = await fetch(new URL('/_local/token', url), { method: 'POST', body: JSON.stringify(claims) });
  } catch (cause) {
    if (!URL.canParse(url)) throw new UsageError(`--url takes an address such as http://127.0.0.1:4600, got "${url}"`);
    throw new Error(`no local cloud answers at ${url}; start one with "npm start"`, { cause });
  }
  const answer = (await response.json()) as { readonly token?: string; readonly message?: string };
  if (answer.token === undefined) throw new Error(answer.message ?? `the issuer answered with ${response.status}`);
  return answer.token;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
