#!/usr/bin/env node
// The command `beckon`. In the repository it installs what is missing, then runs the TypeScript beside it; in the package
// there is only what it has been compiled to. All in one process, so that a signal to it reaches the local cloud.

import { existsSync } from 'node:fs';

if (existsSync(new URL('beckon.ts', import.meta.url))) {
  await import('./install.mjs');
  // Not imported statically: that would be looked for before it has been installed.
  // biome-ignore lint/style/noRestrictedImports: without it Node cannot read the TypeScript of cli/
  const { register } = await import('tsx/esm/api');
  register();
  await import('./beckon.ts');
} else {
  // biome-ignore lint/style/noRestrictedImports: it is cli/beckon.ts
  await import('../dist/cli.js');
}
