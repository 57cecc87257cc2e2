/**
 * Writes into `dist/` what the package needs beside the compiled sources, so that nothing is bundled where it is installed:
 * each handler as a zip, and the script of the local cloud's execution environments.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { bundleHandlers } from './lib/bundle-handlers.ts';
import { bundleRuntime } from './local/lambda/runtime-bundle.ts';

/** A zip stores the local time. Noon exists on that day in every time zone. */
const FIXED_TIME = new Date(1980, 0, 1, 12);

/** `os` 3 is Unix: Lambda unpacks the file with these permissions. */
const EVERYBODY_MAY_READ = { os: 3, attrs: 0o100644 << 16 } as const;

function write(folder: string, file: string, content: Uint8Array | string): void {
  const directory = join(import.meta.dirname, 'dist', folder);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, file), content);
}

for (const [name, module] of bundleHandlers()) {
  // The CDK names an asset by the hash of its content: the same module has to give the same zip.
  const zip = zipSync({ 'index.mjs': module }, { level: 9, mtime: FIXED_TIME, ...EVERYBODY_MAY_READ });
  write('handlers', `${name}.zip`, zip);
}
write('local/lambda/runtime', 'bootstrap.cjs', bundleRuntime());
