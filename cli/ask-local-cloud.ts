import { typedCommand, UsageError } from './usage.ts';

/** The address of a local cloud on the default port. */
export const DEFAULT_URL = 'http://127.0.0.1:4600';

/**
 * Sends a request to a local cloud, and returns its JSON answer.
 * @param question.command The command that the error suggests with another `--url`, such as `token bob`.
 * @param question.otherwise Another remedy, which the error adds. Default: none.
 * @throws Error with a remedy, when nothing or another program answers at the URL
 */
export async function askLocalCloud(
  path: string,
  { url, command, otherwise = '', ...request }: RequestInit & { url: string; command: string; otherwise?: string },
): Promise<Readonly<Record<string, unknown>>> {
  if (!URL.canParse(url)) throw new UsageError(`--url takes an address such as ${DEFAULT_URL}, got "${url}"`);
  const remedy = `start one with "npm start", or name its address: ${typedCommand(command)} --url http://127.0.0.1:PORT${otherwise}`;
  let response: Response;
  try {
    response = await fetch(new URL(path, url), request);
  } catch (cause) {
    throw new Error(`no local cloud answers at ${url}; ${remedy}`, { cause });
  }
  try {
    return (await response.json()) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new Error(`the server at ${url} is not a local cloud; ${remedy}`, { cause });
  }
}
