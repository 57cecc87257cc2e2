import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';

/** What is in a zip: every file's name, and the content of those that were asked for. */
export interface Zip {
  readonly names: readonly string[];
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** @throws Error naming a file that is no zip, or one that would unpack to somewhere else */
export function readZip(file: string, isWanted: (name: string) => boolean): Zip {
  const names: string[] = [];
  const filter = ({ name }: { readonly name: string }) => {
    if (name.endsWith('/')) return false;
    if (name.startsWith('/') || name.split(/[/\\]/).includes('..')) {
      throw new Error(`${file} has a file of the name ${JSON.stringify(name)}, which is outside of it`);
    }
    names.push(name);
    return isWanted(name);
  };
  try {
    return { contents: new Map(Object.entries(unzipSync(readFileSync(file), { filter }))), names };
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new Error(`${file} is no zip that can be read: ${cause.message}`, { cause });
  }
}
