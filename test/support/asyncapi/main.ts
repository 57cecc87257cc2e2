/** Rewrites docs/asyncapi.json and docs/send.schema.json. */
import { writeFileSync } from 'node:fs';
import { ASYNCAPI_FILE, renderAsyncApi } from './render.ts';
import { renderSendSchema, SEND_SCHEMA_FILE } from './send-schema.ts';

writeFileSync(ASYNCAPI_FILE, renderAsyncApi());
writeFileSync(SEND_SCHEMA_FILE, renderSendSchema());
