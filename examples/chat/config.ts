/** Where the page finds the server: `config.json` beside it. */
export interface Config {
  /** The output `WebSocketUrl` of the stack. */
  readonly websocketUrl: string;
  /** Answers `{"sub": name}` with `{"token"}`. Only the local cloud has that; elsewhere tokens are pasted. */
  readonly tokenUrl: string | undefined;
}

/** @throws Error that says what is wrong with `config.json`. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch('config.json', { cache: 'no-cache' });
  if (!response.ok) throw new Error(`config.json could not be loaded (HTTP ${response.status}).`);
  const { websocketUrl, tokenUrl } = (await response.json()) as Readonly<Record<'websocketUrl' | 'tokenUrl', unknown>>;
  if (typeof websocketUrl !== 'string') throw new Error('config.json has no "websocketUrl".');
  return { websocketUrl, tokenUrl: typeof tokenUrl === 'string' ? tokenUrl : undefined };
}
