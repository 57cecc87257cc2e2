/** `npm run pack`: writes both packages into `dist/` as npm would publish them, and prints their paths. */
import { execFileSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { build } from './build.ts';
import { PACKAGES, type PackageName, ROOT } from './packages.ts';

const DESTINATION = join(ROOT, 'dist');

/** Packs a built package. Returns the path of the file. */
function pack(name: PackageName): string {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', DESTINATION];
  const printed = execFileSync('npm', args, { cwd: PACKAGES[name], encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  const [{ filename }] = JSON.parse(printed);
  return join(DESTINATION, filename);
}

await build();
for (const name of Object.keys(PACKAGES) as PackageName[]) {
  process.stdout.write(`${relative(process.cwd(), pack(name))}\n`);
}
