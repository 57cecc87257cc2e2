import { describe, expect, it, vi } from 'vitest';
import { BeckonError } from '../../../client/errors.ts';
import { serialFloor } from '../../../server/serial.ts';
import { connectClient, openNext, startClient, tokenUntil } from '../../support/client-session.ts';
import { settle } from '../../support/client-world.ts';
import { FakeBrowser, type Page } from '../../support/pages.ts';

async function connect({ world }: Page): Promise<void> {
  const socket = await openNext(world);
  socket.page([], { cursor: serialFloor(1_000_000) });
  await settle();
}

function queue({ client }: Page): void {
  client.sendToUser('bob', 'queued').catch(() => {});
}

describe('signOut', () => {
  it('closes the client and leaves nothing of the user in the storage', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await connect(page);
    queue(page);
    browser.stored.set('beckon/2 ws://test/prod bob x', '{}');
    await page.world.advance(1_000);
    expect(browser.stored.size).toBe(2);
    const signedOut = page.client.signOut();
    await page.world.advance(5_000);
    await signedOut;
    expect(page.client.state.status).toBe('closed');
    expect([...browser.stored.keys()]).toEqual(['beckon/2 ws://test/prod bob x']);
    const next = browser.open();
    expect((await next.world.accept()).count('sendMessage')).toBe(0);
  });

  it('does so in all tabs that share the connection, whichever is asked', async () => {
    const browser = new FakeBrowser();
    const pages = Array.from({ length: 3 }, () => browser.open({ shareAcrossTabs: true }));
    const [leader, follower] = pages as [Page, Page];
    await connect(leader);
    for (const page of pages) queue(page);
    for (const { world } of pages) await world.advance(1_000);
    expect(browser.stored.size).toBe(3);
    const signedOut = follower.client.signOut();
    for (const { world } of pages) await world.advance(5_000);
    await signedOut;
    for (const { client, errors } of pages) {
      expect(client.state.status).toBe('closed');
      expect(errors).toEqual([]);
    }
    expect(browser.stored.size).toBe(0);
  });

  it('forgets what close has left', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await connect(page);
    queue(page);
    page.client.close();
    await settle();
    expect(browser.stored.size).toBe(1);
    await page.client.signOut();
    expect(browser.stored.size).toBe(0);
  });

  it('closes a client without a storage', async () => {
    const { client } = await connectClient();
    await client.signOut();
    expect(client.state.status).toBe('closed');
  });

  it('rejects if the storage keeps what it has', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const storage = Object.assign(browser.storageOf(page), { delete: () => Promise.reject(new Error('read-only')) });
    const other = browser.open({ storage });
    await connect(other);
    queue(other);
    await other.world.advance(1_000);
    await expect(other.client.signOut()).rejects.toMatchObject({ code: 'storage_failed' });
    expect(other.client.state.status).toBe('closed');
  });
});

describe('renewToken', () => {
  const [FIRST, SECOND] = [400_000, 800_000].map(tokenUntil) as [string, string];

  it('registers the connection with the token that there is now', async () => {
    const getToken = vi.fn(() => (getToken.mock.calls.length > 1 ? SECOND : FIRST));
    const { client, socket, world } = await connectClient({ getToken });
    const renewed = client.renewToken();
    await settle();
    expect(socket.last('register')['token']).toBe(SECOND);
    socket.register({}, world.now());
    await renewed;
    expect(world.sockets).toHaveLength(1);
  });

  it('waits for the next connection, which asks by itself', async () => {
    const getToken = vi.fn(() => FIRST);
    const { client, world } = startClient({ getToken });
    const renewed = client.renewToken();
    await world.accept();
    await renewed;
    expect(getToken).toHaveBeenCalledTimes(1);
  });

  it('rejects with what getToken throws, and ends the client if there is no token any more', async () => {
    const errors = [new Error('offline'), new BeckonError('unauthorized')];
    const getToken = vi.fn(() => {
      if (getToken.mock.calls.length > 1) throw errors.shift();
      return FIRST;
    });
    const { client } = await connectClient({ getToken });
    await expect(client.renewToken()).rejects.toMatchObject({ code: 'token_failed' });
    expect(client.state.status).toBe('connected');
    await expect(client.renewToken()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(client.state.status).toBe('failed');
  });

  it('rejects when the client is closed', async () => {
    const { client } = startClient();
    const renewed = client.renewToken();
    await settle();
    client.close();
    await expect(renewed).rejects.toMatchObject({ code: 'closed' });
  });
});
