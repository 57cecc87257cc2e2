import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIB = join(import.meta.dirname, '../../lib');

/** The names that `npm run installations` found in the oldest CDK that package.json allows. */
export const CDK_NAMES_FILE = join(import.meta.dirname, 'cdk-names.txt');

/** Lists the construct's imports from the CDK, one line each: the module and the name. */
export function cdkNames(): string {
  const lines = new Set<string>();
  for (const source of constructSources()) {
    for (const [, names = '', module] of source.matchAll(/^import [^;]*?\{([^}]*)\} from '(aws-cdk-lib[^']*)';/gm)) {
      for (const name of names.match(/(?<!as )\b(?!type |as )\w+/g) ?? []) lines.add(`${module} ${name}\n`);
    }
  }
  return [...lines].toSorted().join('');
}

/** Lists the files of `lib/` in the package: the imports of `beckon.ts`. */
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
