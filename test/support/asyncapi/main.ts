/** Writes docs/asyncapi.json anew. */
import { writeFileSync } from 'node:fs';
import { ASYNCAPI_FILE, renderAsyncApi } from './render.ts';

writeFileSync(ASYNCAPI_FILE, renderAsyncApi());
