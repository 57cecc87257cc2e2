import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The `cdk.out` of the end-to-end tests' app. */
    app: string;
  }
}

/** Synthesizes the app of the end-to-end tests into a folder, without credentials. Returns the folder. */
export function synthesizeApp(directory: string, context: Readonly<Record<string, string>> = {}): string {
  execFileSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'app.ts')], {
    env: {
      PATH: process.env['PATH'],
      CDK_OUTDIR: directory,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify(context),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return directory;
}

/** Synthesizes the app once for all end-to-end tests. */
export default function setup(project: TestProject): () => void {
  const directory = synthesizeApp(mkdtempSync(join(tmpdir(), 'beckon-app-')));
  project.provide('app', directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
