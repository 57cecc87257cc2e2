import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { afterEach, expect, test } from 'vitest';
import { Beckon, type BeckonProps } from '../../lib/beckon.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { connectWire } from '../support/wire-client.ts';

// What an application makes of the construct's options runs here, as the stack without options does.

let cloud: LocalCloud | undefined;
let directory: string;

afterEach(async () => {
  await cloud?.close();
  rmSync(directory, { recursive: true });
});

async function start(options: (stack: Stack) => Partial<BeckonProps>): Promise<LocalCloud> {
  directory = mkdtempSync(join(tmpdir(), 'beckon-options-'));
  const app = new App({ outdir: join(directory, 'cdk.out') });
  const stack = new Stack(app, 'Mine', { env: { account: LOCAL_ACCOUNT, region: LOCAL_REGION } });
  const issuer = new CfnParameter(stack, 'Issuer').valueAsString;
  new Beckon(stack, 'Beckon', { issuer, audience: 'beckon', ...options(stack) });
  app.synth();
  cloud = await startLocalCloud({ app: app.outdir, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  return cloud;
}

test('with a key of one’s own, in development: messages arrive, and no permission is missing', async () => {
  const { websocketUrl, token, iamReport } = await start((stack) => ({
    mode: 'development',
    encryptionKey: new Key(stack, 'Key'),
  }));
  const device = async (sub: string) => {
    const client = await connectWire(websocketUrl, { headers: { Authorization: `Bearer ${await token({ sub })}` } });
    await client.ask({ action: 'register' });
    return client;
  };
  const [alice, bob] = await Promise.all([device('alice'), device('bob')]);
  const sent = await alice.ask({ action: 'sendMessage', to: { user: 'bob' }, data: 'hi', id: 'm1' });
  expect(sent).toMatchObject({ results: [{ status: 'delivered' }] });
  expect(await bob.frame(({ type }) => type === 'messages')).toMatchObject({ messages: [{ data: 'hi' }] });
  expect(iamReport().denied).toEqual([]);
});
