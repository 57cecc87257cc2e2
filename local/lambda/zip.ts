import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unzipSync } from 'fflate';

/** Reads the names of the files in a zip file. @throws Error if it is no zip file, or has names outside the folder */
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

/** Unpacks a zip file into a folder. Check its names with `zipNames` first. */
export async function unpackZip(file: string, folder: string): Promise<void> {
  for (const [name, content] of Object.entries(unzipSync(await readFile(file)))) {
    const target = path.join(folder, name);
    await mkdir(name.endsWith('/') ? target : path.dirname(target), { recursive: true });
    if (!name.endsWith('/')) await writeFile(target, content);
  }
}
