/** docs/protocol.md shows the real frames of the wire. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { CLIENT_FRAMES, ERROR_CODES } from '../../protocol/index.ts';
import * as limits from '../../protocol/limits.ts';
import { serverSchemas } from '../support/asyncapi/json-schemas.ts';
import { PROTOCOL_DOCUMENT, readProtocolExamples } from '../support/protocol-document.ts';
import { createPlay } from '../support/protocol-play.ts';

const TEXT = readFileSync(PROTOCOL_DOCUMENT, 'utf8');
const EXAMPLES = readProtocolExamples();

let cloud: LocalCloud;

beforeAll(async () => {
  const app = inject('searchApp');
  const parameters = { Issuer: '{endpointUrl}/_local', AllowedOrigins: 'https://app.example' };
  cloud = await startLocalCloud({ app, port: 0, parameters });
}, 120_000);

afterAll(async () => {
  await cloud.close();
});

test('every example happens as shown, and no other frame arrives', { timeout: 180_000 }, async () => {
  const play = createPlay(cloud);
  await play.perform(EXAMPLES);
  expect(play.unshown()).toEqual([]);
  const shown = [...play.values.serials].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const real = shown.map(([, serial]) => serial);
  expect(real, 'serials and cursors are in the order that the document shows').toEqual(real.toSorted());
  play.close();
});

test('the test plays every frame of docs/protocol.md', () => {
  expect(TEXT.match(/^```json *$/gm)).toBeNull();
});

test.each(Object.keys(CLIENT_FRAMES))('an example sends %s', (action) => {
  const sent = EXAMPLES.filter((example) => example.kind === 'sends' && !example.isWrong);
  expect(sent.map((example) => 'frame' in example && example.frame?.['action'])).toContain(action);
});

test.each(Object.keys(serverSchemas()))('an example receives %s', (type) => {
  const got = EXAMPLES.filter((example) => example.kind === 'gets');
  expect(got.map(({ frame }) => frame['type'])).toContain(type);
});

test('docs/protocol.md names every error code, and no other', () => {
  const lists = [...TEXT.matchAll(/^Errors: (.*?)\.(?: |$)/gms)].map(([, list = '']) => list);
  expect(lists).toHaveLength(Object.keys(CLIENT_FRAMES).length);
  const listed = lists.flatMap((list) => [...list.matchAll(/`(\w+)`/g)].map(([, code]) => code ?? ''));
  const shown = [...TEXT.matchAll(/"code": "(\w+)"/g)].map(([, code]) => code ?? '');
  // Words with underscores are codes: nothing else on the wire has underscores.
  const others = [...TEXT.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code]) => code ?? '');
  const codes = Object.keys(ERROR_CODES);
  expect([...listed, ...shown, ...others].filter((code) => !codes.includes(code))).toEqual([]);
  expect(codes.filter((code) => !TEXT.includes(`\`${code}\``))).toEqual([]);
});

test('docs/protocol.md has the limits of the code', () => {
  const rows = [...TEXT.matchAll(/^\| .+ \| ([\d,]+) \| `([A-Z_]+)` \|$/gm)].map(([, bound, name]) => [name, bound]);
  const constants = Object.entries(limits).filter(([, value]) => typeof value === 'number');
  expect(rows.toSorted()).toEqual(constants.map(([name, bound]) => [name, bound.toLocaleString('en')]).toSorted());
});
