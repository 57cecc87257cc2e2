import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A disk that takes this much is not full yet. */
const PROBE_BYTES = 64 * 1024;

/** Makes sure that data can be kept in a folder. Throws an Error that says why it cannot. */
export function prepareDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    probe(join(directory, 'can-be-written'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the data directory ${directory} cannot be written to (${reason}); choose another one`, { cause });
  }
}

function probe(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(PROBE_BYTES));
  } finally {
    rmSync(file, { force: true });
  }
}
