import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');

/** Returns the folder of a fixture application. */
export function fixture(name: string): string {
  return join(FIXTURES, name);
}

/** Starts a fixture application in memory on any free port. The caller closes it. */
export function startFixture(name: string, options: Partial<LocalCloudOptions> = {}): Promise<LocalCloud> {
  return startLocalCloud({ app: fixture(name), port: 0, ...options });
}

/** Returns the administrator's settings for an AWS SDK client. */
export function adminClient({ endpointUrl }: LocalCloud) {
  return {
    endpoint: endpointUrl,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
}

/** Copies a fixture application to a temporary folder, and changes its template. */
export function alteredFixture(name: string, alter: (resources: Resources) => void): AlteredFixture {
  const app = mkdtempSync(join(tmpdir(), 'altered-app-'));
  cpSync(fixture(name), app, { recursive: true });
  const file = join(app, 'template.json');
  const template: { Resources: Resources } = JSON.parse(readFileSync(file, 'utf8'));
  alter(template.Resources);
  writeFileSync(file, JSON.stringify(template));
  return { app, remove: () => rmSync(app, { recursive: true }) };
}

export interface AlteredFixture {
  readonly app: string;
  remove(): void;
}

/** The resources of a template, for changes. */
export type Resources = Record<
  string,
  { Type: string; Properties: Record<string, unknown>; [attribute: string]: unknown }
>;
