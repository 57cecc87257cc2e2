import { join } from 'node:path';
import { createAsyncApi } from './document.ts';

/** The path of the document. */
export const ASYNCAPI_FILE = join(import.meta.dirname, '../../../docs/asyncapi.json');

/** Renders the document as its file contains it. */
export function renderAsyncApi(): string {
  return `${JSON.stringify(createAsyncApi(), null, 2)}\n`;
}
