#!/usr/bin/env node
// The command `beckon`. In the repository it installs missing dependencies, then runs the TypeScript beside it. In the
// package it runs the compiled code. Everything runs in one process, so a signal reaches the local cloud.

import { existsSync } from 'node:fs';

if (existsSync(new URL('beckon.ts', import.meta.url))) {
  await import('./install.mjs');
  // A static import would fail: Node resolves it before the installation.
  // biome-ignore lint/style/noRestrictedImports: Node 20 needs tsx to read the TypeScript of cli/
  const { register } = await import('tsx/esm/api');
  register();
  await import('./beckon.ts');
} else {
  // biome-ignore lint/style/noRestrictedImports: the build compiles cli/beckon.ts to this file
  await import('../dist/cli.js');
}
