/** The addresses of the server, from `config.json` beside the page. */
export interface Config {
  /** The output `WebSocketUrl` of the stack. */
  readonly websocketUrl: string;
  /** Answers `{"sub": name}` with `{"token"}`. Only the local cloud has it; elsewhere users paste tokens. */
  readonly tokenUrl: string | undefined;
}

/** Reads `config.json`. @throws Error that names the mistake in it. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch('config.json', { cache: 'no-cache' });
  if (!response.ok) throw new Error(`config.json could not be loaded (HTTP ${response.status}).`);
  const { websocketUrl, tokenUrl } = (await response.json()) as Readonly<Record<'websocketUrl' | 'tokenUrl', unknown>>;
  if (typeof websocketUrl !== 'string') throw new Error('config.json has no "websocketUrl".');
  return { websocketUrl, tokenUrl: typeof tokenUrl === 'string' ? tokenUrl : undefined };
}
