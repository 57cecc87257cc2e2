/**
 * `npm run installations`: packs both packages, installs them with their dependencies from the registry into new folders, and uses
 * them as other projects do. It needs some minutes, the network and port 4600. Arguments name the checks to run; default: all.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkCdkReleases } from './cdk-releases.ts';
import { checkFirstMinutes, checkUsualApp } from './first-minutes.ts';
import { checkNext } from './next.ts';
import { checkPnpm } from './pnpm.ts';
import { ROOT, run, say } from './project.ts';
import { checkTesting } from './testing.ts';

const temporary = mkdtempSync(join(tmpdir(), 'beckon-installations-'));
try {
  say('packing…');
  const [beckon = '', local = ''] = run(ROOT, 'npm', 'run', '--silent', 'pack').trim().split('\n');
  const tarballs = { beckon: join(ROOT, beckon), 'beckon-local': join(ROOT, local) };
  const checks: Readonly<Record<string, () => void | Promise<void>>> = {
    async app() {
      const app = await checkFirstMinutes(temporary, tarballs);
      await checkUsualApp(temporary, app, tarballs);
    },
    next: () => checkNext(temporary, tarballs),
    pnpm: () => checkPnpm(temporary, tarballs),
    releases: () => checkCdkReleases(temporary, tarballs),
    testing: () => checkTesting(temporary, tarballs),
  };
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(checks)) {
    const check = checks[name];
    if (!check) throw new Error(`there is no check "${name}"; expected one of ${Object.keys(checks).join(', ')}`);
    await check();
  }
  say('all installations work');
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
