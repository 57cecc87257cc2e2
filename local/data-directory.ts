import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The size of the trial write: a disk that accepts it is not full. */
const PROBE_BYTES = 64 * 1024;

/** Only the user may read the data: tables, queues, secrets, and the key that signs tokens. */
const OWNER_ONLY = 0o700;

/** A file that every run leaves in its folder. */
export const ISSUER_KEY_FILE = 'issuer-key.json';

/** Creates the folder, and checks that it can keep data. @throws Error with the reason if it cannot */
export function prepareDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY });
    closeToOthers(directory);
    probe(join(directory, 'can-be-written'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot write to the data directory ${directory} (${reason}); choose another one`, { cause });
  }
}

/** Closes a folder of an earlier run that others may read. Leaves a folder that also has other content as it is. */
function closeToOthers(directory: string): void {
  const isOwn = existsSync(join(directory, ISSUER_KEY_FILE));
  if (isOwn && (statSync(directory).mode & 0o077) !== 0) chmodSync(directory, OWNER_ONLY);
}

function probe(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(PROBE_BYTES));
  } finally {
    rmSync(file, { force: true });
  }
}
