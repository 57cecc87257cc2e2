import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A disk that takes this much is not full yet. */
const PROBE_BYTES = 64 * 1024;

/** What is kept is nobody else's business: tables, queues, secrets, and the key that signs tokens. */
const OWNER_ONLY = 0o700;

/** What every run leaves in its folder. */
export const ISSUER_KEY_FILE = 'issuer-key.json';

/** Makes sure that data can be kept in a folder. Throws an Error that says why it cannot. */
export function prepareDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY });
    closeToOthers(directory);
    probe(join(directory, 'can-be-written'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the data directory ${directory} cannot be written to (${reason}); choose another one`, { cause });
  }
}

/** The folder of an earlier run may be open to others; one that holds other things, too, is left as it is. */
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
