import { accessSync, constants, mkdirSync } from 'node:fs';

/** Makes sure that data can be kept in a folder. Throws an Error that says what is wrong with it. */
export function prepareDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the data directory ${directory} cannot be used: ${reason}; choose another one`, { cause });
  }
}
