import { join } from 'node:path';
import { demand, run, say, type Tarballs, withLocalCloud, write } from './project.ts';

/** Checks that the command finds the local cloud with pnpm, which links packages to the project only. */
export async function checkPnpm(temporary: string, { beckon, 'beckon-local': local }: Tarballs): Promise<void> {
  say('pnpm…');
  const folder = join(temporary, 'pnpm');
  write(folder, { 'package.json': '{}' });
  run(folder, 'npx', '--yes', 'pnpm@10', 'add', beckon, local);
  await withLocalCloud(
    folder,
    'npx --yes pnpm@10 exec beckon start --no-open --memory --port 0',
    async ({ pageUrl }) => {
      const page = await fetch(String(pageUrl));
      demand(
        page.ok && (await page.text()).includes('<title>Beckon</title>'),
        `the page was answered with ${page.status}`,
      );
    },
  );
}
