import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { userAddress } from '../../../../server/address.ts';
import { composeDirectory } from '../../../../server/aws/index.ts';

let connections = 0;
let closed = 0;
const silent = createServer(() => undefined).on('connection', (socket) => {
  connections += 1;
  socket.on('close', () => {
    closed += 1;
  });
});

afterEach(() => {
  vi.unstubAllEnvs();
  silent.closeAllConnections();
  silent.close();
});

test('a call of DynamoDB without an answer is given up, and its socket freed', { timeout: 30_000 }, async () => {
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  const directory = composeDirectory({ now: Date.now, config: { connectionsTable: 'connections' } });
  const looking = directory.find(userAddress('bob'), { consistent: true });
  await expect(looking).rejects.toMatchObject({ name: 'TimeoutError' });
  await vi.waitFor(() => expect([connections > 0, closed]).toEqual([true, connections]));
});
