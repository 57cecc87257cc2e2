#!/usr/bin/env node
// The command `beckon`, for packages that depend on this one: Node runs its TypeScript with tsx.

// biome-ignore lint/style/noRestrictedImports: without it Node cannot read what is imported below
import { register } from 'tsx/esm/api';

register();
await import('./beckon.ts');
