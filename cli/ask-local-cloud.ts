import { typedCommand, UsageError } from './usage.ts';

/** Where a local cloud is unless it was told otherwise. */
export const DEFAULT_URL = 'http://127.0.0.1:4600';

/**
 * Asks a local cloud that runs on this machine; gives its answer, which is JSON.
 * @param question.command What to type again with `--url`, such as `token bob`.
 * @param question.otherwise What the user can do instead when no local cloud answers.
 */
export async function askLocalCloud(
  path: string,
  { url, command, otherwise = '', ...request }: RequestInit & { url: string; command: string; otherwise?: string },
): Promise<Readonly<Record<string, unknown>>> {
  if (!URL.canParse(url)) throw new UsageError(`--url takes an address such as ${DEFAULT_URL}, got "${url}"`);
  const remedy = `start one with "npm start", or say where it runs: ${typedCommand(command)} --url http://127.0.0.1:PORT${otherwise}`;
  let response: Response;
  try {
    response = await fetch(new URL(path, url), request);
  } catch (cause) {
    throw new Error(`no local cloud answers at ${url}; ${remedy}`, { cause });
  }
  try {
    return (await response.json()) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new Error(`what answers at ${url} is no local cloud; ${remedy}`, { cause });
  }
}
