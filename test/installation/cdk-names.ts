import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIB = join(import.meta.dirname, '../../lib');

/** What `npm run installations` has found to be there in the oldest CDK that package.json allows. */
export const CDK_NAMES_FILE = join(import.meta.dirname, 'cdk-names.txt');

/** What the construct imports from the CDK, a line for each: the module, and the name there. */
export function cdkNames(): string {
  const lines = new Set<string>();
  for (const source of constructSources()) {
    for (const [, names = '', module] of source.matchAll(/^import [^;]*?\{([^}]*)\} from '(aws-cdk-lib[^']*)';/gm)) {
      for (const name of names.match(/(?<!as )\b(?!type |as )\w+/g) ?? []) lines.add(`${module} ${name}\n`);
    }
  }
  return [...lines].toSorted().join('');
}

/** The files of `lib/` that are in the package: what `beckon.ts` imports. */
function constructSources(): string[] {
  const sources = new Map<string, string>();
  const read = (file: string) => {
    if (sources.has(file)) return;
    const source = readFileSync(join(LIB, file), 'utf8');
    sources.set(file, source);
    for (const [, imported = ''] of source.matchAll(/ from '\.\/([\w-]+\.ts)'/g)) read(imported);
  };
  read('beckon.ts');
  return [...sources.values()];
}
