#!/usr/bin/env node
// The command `beckon`: installs what is missing, then runs the TypeScript beside it. All in one process, so that a signal
// to it reaches the local cloud.

import './install.mjs';

// Not imported statically: that would be looked for before it has been installed.
// biome-ignore lint/style/noRestrictedImports: without it Node cannot read the TypeScript of cli/
const { register } = await import('tsx/esm/api');
register();
await import('./beckon.ts');
