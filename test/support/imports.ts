import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Finds the specifiers after `from`, `import` and `import(`: types, re-exports and late imports included. Text that only looks like
 * an import counts if such a file exists.
 */
const SPECIFIER = /\b(?:from|import)\s*\(?\s*(['"])(?<specifier>\.{1,2}\/[^'"]+)\1/g;

/** Maps each file to the files that it imports, as paths from the root. */
export function importsOf(root: string, folders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => join(folder, file)),
  );
  const imports = files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const targets = [...text.matchAll(SPECIFIER)].map(({ groups }) =>
      relative(root, resolve(root, dirname(file), groups?.['specifier'] ?? '')),
    );
    return [file, targets.filter((target) => files.includes(target))] as const;
  });
  return new Map(imports);
}
