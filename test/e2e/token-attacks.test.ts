import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { tokenAttacks } from '../support/token-attacks.ts';
import { createForge, type Forge } from '../support/token-forge.ts';
import { connectClient } from '../support/ws-client.ts';

// The unit tests' table of bad tokens, through the handshake, the deployed function and a real issuer.

let cloud: LocalCloud;
let issuer: Server;
let requests = 0;
let forge: Forge;
let attacks: ReturnType<typeof tokenAttacks>;

beforeAll(async () => {
  issuer = createServer((_, response) => {
    requests += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(forge.jwks));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const { port } = issuer.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const options = { issuer: url, audience: 'beckon', nowSeconds: () => Math.floor(Date.now() / 1000) };
  forge = createForge(options);
  attacks = tokenAttacks(options);
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: url } });
});

afterAll(async () => {
  await cloud.close();
  issuer.close();
});

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** Whether a token fits into a handshake: header values are ASCII, and take at most 16 KB together. */
const fits = (token: string) => /^[\x20-\x7E]{0,15000}$/.test(token);

test('every bad token gets 401, and a valid token opens a connection', async () => {
  await connectClient(cloud.websocketUrl, bearer(forge.signed())).opened;
  const sent = attacks.map(([name, , make]) => ({ name, token: make(forge) })).filter(({ token }) => fits(token));
  expect(sent.length).toBeGreaterThan(100);
  for (const { name, token } of sent) {
    const refused = await connectClient(cloud.websocketUrl, bearer(token)).refused;
    expect({ name, statusCode: refused.statusCode }).toEqual({ name, statusCode: 401 });
  }
  const failures = cloud.log().filter(({ message }) => message.includes('"outcome":"failed"'));
  expect(failures).toEqual([]);
  // Dozens of unknown key ids within the cool-down, from only a few execution environments.
  expect(requests).toBeLessThan(10);
});
