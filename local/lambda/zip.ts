import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unzipSync } from 'fflate';

/** Reads the names of the files in a zip file, without unpacking them. @throws Error if it is none, or would write elsewhere */
export function zipNames(file: string): string[] {
  const names: string[] = [];
  unzipSync(readFileSync(file), {
    filter({ name }) {
      names.push(name);
      return false;
    },
  });
  const outside = names.find((name) => /^\/|^\.\.\/|\/\.\.\/|\\/.test(name));
  if (outside !== undefined) throw new Error(`its entry "${outside}" would be outside the folder`);
  return names;
}

/** Unpacks a zip file whose names `zipNames` has read into a folder. */
export async function unpackZip(file: string, folder: string): Promise<void> {
  for (const [name, content] of Object.entries(unzipSync(await readFile(file)))) {
    const target = path.join(folder, name);
    await mkdir(name.endsWith('/') ? target : path.dirname(target), { recursive: true });
    if (!name.endsWith('/')) await writeFile(target, content);
  }
}
