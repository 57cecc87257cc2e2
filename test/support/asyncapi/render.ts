import { join } from 'node:path';
import { createAsyncApi } from './document.ts';

/** Where the document is kept. */
export const ASYNCAPI_FILE = join(import.meta.dirname, '../../../docs/asyncapi.json');

/** The document as its file has it. */
export function renderAsyncApi(): string {
  return `${JSON.stringify(createAsyncApi(), null, 2)}\n`;
}
