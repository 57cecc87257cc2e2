import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The `cdk.out` of the end-to-end tests' app. */
    app: string;
    /** The same app with search. */
    searchApp: string;
  }
}

/** Synthesizes the end-to-end tests' app into a folder, without credentials. Returns the folder. */
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

/** Shared by all projects: their setups run in one process, but each loads this module again. */
const run = globalThis as { beckonApps?: { readonly app: string; readonly searchApp: string } };

/** Synthesizes the end-to-end tests' apps once per run, for all projects that need them. */
export default function setup(project: TestProject): () => void {
  run.beckonApps ??= {
    app: synthesizeApp(mkdtempSync(join(tmpdir(), 'beckon-app-'))),
    searchApp: synthesizeApp(mkdtempSync(join(tmpdir(), 'beckon-search-app-')), { search: 'true' }),
  };
  const { app, searchApp } = run.beckonApps;
  project.provide('app', app);
  project.provide('searchApp', searchApp);
  return () => {
    for (const directory of [app, searchApp]) rmSync(directory, { recursive: true, force: true });
  };
}
