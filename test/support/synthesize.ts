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

/** Synthesizes the app of the end-to-end tests once for all of them, without credentials. */
export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'beckon-app-'));
  execFileSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'app.ts')], {
    env: { PATH: process.env['PATH'], CDK_OUTDIR: directory, CDK_VALIDATION: 'false' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  project.provide('app', directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
