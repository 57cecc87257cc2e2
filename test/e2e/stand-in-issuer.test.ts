import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readTrust } from '../../cli/read-trust.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { connectClient } from '../support/ws-client.ts';

const ISSUER = 'https://login.example.com/';
const PARAMETERS = { Issuer: ISSUER, Audience: 'my-app' };

/** A Beckon stack that trusts an issuer on the internet. */
const start = (more: { readonly issuer?: string } = {}) =>
  startLocalCloud({ app: inject('app'), port: 0, parameters: PARAMETERS, readTrust, ...more });

const connect = ({ websocketUrl }: LocalCloud, token: string) =>
  connectClient(websocketUrl, { headers: { Authorization: `Bearer ${token}` } });

describe('with --issuer, the development issuer', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await start({ issuer: ISSUER });
  });
  afterAll(() => cloud.close());

  test('issues tokens in the name of the trusted issuer, with the audience that the stack expects', async () => {
    const token = await cloud.token({ sub: 'bob' });
    expect(decodeJwt(token)).toMatchObject({ iss: ISSUER, aud: 'my-app', sub: 'bob' });
    await connect(cloud, token).opened;
    expect((await connect(cloud, `${token.slice(0, -8)}AAAAAAAA`).refused).statusCode).toBe(401);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['another audience', { aud: 'other' }, 'it has iss "https://login.example.com/", aud "other"'],
    ['another issuer', { iss: 'https://a.example/' }, 'it has iss "https://a.example/", aud "my-app"'],
    [
      'an expiry in the past',
      { expiresInSeconds: -60 },
      'it has iss "https://login.example.com/", aud "my-app"; it expired at',
    ],
  ])('the server refuses a token with %s, and the log gives the reason', async (_, claims, told) => {
    await connect(cloud, await cloud.token({ sub: 'bob', ...claims })).refused;
    const explained = cloud.log().filter(({ message }) => message.includes(told));
    expect(explained).toMatchObject([
      {
        source: 'apigateway',
        message: expect.stringMatching(
          /the stack trusts tokens with iss "https:\/\/login\.example\.com\/", aud "my-app"$/,
        ),
      },
    ]);
  });
});

test('with --origin, a page of this machine connects under the allowed origin; other pages keep their own', async () => {
  const allowed = 'https://app.example.com';
  const parameters = { ...PARAMETERS, AllowedOrigins: allowed };
  const cloud = await startLocalCloud({
    app: inject('app'),
    port: 0,
    parameters,
    readTrust,
    issuer: ISSUER,
    origin: allowed,
  });
  const token = await cloud.token({ sub: 'bob' });
  const from = (Origin: string) =>
    connectClient(cloud.websocketUrl, { headers: { Authorization: `Bearer ${token}`, Origin } });
  await from('http://localhost:5173').opened;
  await from(allowed).opened;
  expect((await from('https://evil.example').refused).statusCode).toBe(403);
  await cloud.close();
});

test('--issuer refuses an issuer that no function trusts', async () => {
  await expect(start({ issuer: 'https://login.example.com' })).rejects.toThrow(
    'no function of the application trusts tokens of https://login.example.com, only those of https://login.example.com/',
  );
});

test('without --issuer, the log shows the option that makes tokens trusted', async () => {
  const cloud = await start();
  expect(cloud.log().filter(({ source }) => source === 'issuer')).toMatchObject([
    { message: expect.stringContaining('to stand in for that one: --issuer https://login.example.com/') },
  ]);
  await cloud.close();
});
