import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './packages.ts';

interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * Writes the notices of bundled packages: name, version, license and license text.
 * @param inputs The inputs of the bundles, relative to the root of the repository.
 * @throws Error that names a package without a license
 */
export function thirdPartyNotices(inputs: Iterable<string>): string {
  const folders = new Set<string>();
  for (const file of inputs) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const texts = new Map<string, Set<string>>();
  for (const folder of folders) {
    const { heading, text } = noticeOf(join(ROOT, folder));
    texts.set(text, (texts.get(text) ?? new Set()).add(heading));
  }
  const notices = [...texts].map(([text, headings]) => `${[...headings].toSorted().join('\n')}\n\n${text}\n`);
  return ['Beckon contains code of these packages.\n', ...notices.toSorted()].join(`\n${'-'.repeat(80)}\n\n`);
}

function noticeOf(folder: string): { readonly heading: string; readonly text: string } {
  const { name, version, license }: BundledPackage = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (license === undefined) throw new Error(`the package.json of the bundled package ${name} names no license`);
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.\w+)?$/i.test(each));
  const text = file === undefined ? `License: ${license}` : readFileSync(join(folder, file), 'utf8').trim();
  const notice = join(folder, 'NOTICE');
  const attribution = existsSync(notice) ? `\n\n${readFileSync(notice, 'utf8').trim()}` : '';
  return { heading: `${name} ${version} (${license})`, text: text + attribution };
}
