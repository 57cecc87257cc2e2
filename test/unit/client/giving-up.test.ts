import { describe, expect, it } from 'vitest';
import { BeckonError } from '../../../client/errors.ts';
import { connectClient, startClient } from '../../support/client-session.ts';
import { sentResult, settle } from '../../support/client-world.ts';

describe('giving up', () => {
  it('rejects a message that could not be sent before it expired', async () => {
    const { world, client } = startClient();
    const sent = client.sendToUser('bob', 1, { expiresAfterMs: 60_000 });
    const byDefault = client.sendToUser('bob', 2);
    const outcome = expect(sent).rejects.toMatchObject({ code: 'expired', maybeDelivered: false });
    await world.advance(60_000);
    await outcome;
    const other = expect(byDefault).rejects.toMatchObject({ code: 'expired' });
    await world.advance(240_000);
    await other;
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });

  it('does not send a message that expired while the computer slept', async () => {
    const { world, client } = startClient();
    const sent = expect(client.sendToUser('bob', 1, { expiresAfterMs: 60_000 })).rejects.toMatchObject({
      code: 'expired',
    });
    await settle();
    world.jump(60_000);
    expect((await world.accept()).count('sendMessage')).toBe(0);
    await sent;
  });

  it('expires messages also when the clock was set back', async () => {
    const { world, client } = startClient();
    const sent = expect(client.sendToUser('bob', 1, { expiresAfterMs: 60_000 })).rejects.toMatchObject({
      code: 'expired',
    });
    await settle();
    world.jump(-3_600_000);
    await world.advance(60_000);
    await sent;
  });

  it('says of an expired message whether it may have been delivered', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1, { expiresAfterMs: 5_000 });
    const outcome = expect(sent).rejects.toMatchObject({ code: 'expired', maybeDelivered: true });
    await world.advance(5_000);
    socket.end();
    await outcome;
  });

  it('lets an ack that is on its way decide, though the message has expired', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1, { expiresAfterMs: 5_000 });
    await world.advance(6_000);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it('takes a message back that waits', async () => {
    const { world, client } = startClient();
    const controller = new AbortController();
    const sent = client.sendToUser('bob', 1, { signal: controller.signal });
    await settle();
    controller.abort(new Error('changed my mind'));
    await expect(sent).rejects.toThrow('changed my mind');
    await expect(client.sendToUser('bob', 2, { signal: controller.signal })).rejects.toThrow('changed my mind');
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });

  it('does not send a message again that was taken back on its way', async () => {
    const { world, client, socket } = await connectClient();
    const controller = new AbortController();
    const sent = client.sendToUser('bob', 1, { signal: controller.signal });
    const outcome = expect(sent).rejects.toMatchObject({ name: 'AbortError' });
    await settle();
    controller.abort();
    await outcome;
    socket.end();
    await world.advance(500);
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });

  it('holds no more messages than maxQueuedMessages', async () => {
    const { client, socket } = await connectClient({ maxQueuedMessages: 2 });
    const first = client.sendToUser('bob', 1);
    void client.sendToUser('bob', 2);
    await settle();
    await expect(client.sendToUser('bob', 3)).rejects.toMatchObject({ code: 'outbox_full' });
    socket.acknowledge();
    await first;
    await settle();
    const again = client.sendToUser('bob', 4);
    await settle();
    socket.acknowledge();
    await expect(again).resolves.toMatchObject({ status: 'sent' });
  });

  it('rejects everything when the client is closed, and says what may have been delivered', async () => {
    const { client } = await connectClient();
    const inFlight = client.sendToUser('bob', 1);
    await settle();
    const waiting = client.sendToUser('bob', 2);
    const outcomes = Promise.allSettled([inFlight, waiting]);
    client.close();
    expect(await outcomes).toMatchObject([
      { reason: { code: 'closed', maybeDelivered: true, retryable: false } },
      { reason: { code: 'closed', maybeDelivered: false } },
    ]);
    await expect(client.sendToUser('bob', 3)).rejects.toMatchObject({ code: 'closed', retryable: false });
  });

  it('rejects everything when the session fails', async () => {
    const { client } = startClient({ getToken: () => Promise.reject(new BeckonError('unauthorized')) });
    await expect(client.sendToUser('bob', 1)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(client.sendToUser('bob', 2)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('says that asking again is no use when it is over, whatever it is over for', async () => {
    const { client, socket } = await connectClient();
    const [sent, asked] = [client.sendToUser('bob', 1), client.history({ user: 'bob' })];
    const outcomes = Promise.allSettled([sent, asked]);
    await settle();
    socket.receive({ type: 'bye', code: 'internal', message: 'Out of service.', reconnect: false });
    const over = { reason: { code: 'internal', message: 'Out of service.', retryable: false } };
    expect(await outcomes).toMatchObject([over, over]);
  });

  it('leaves no timer behind when it is closed while it waits to send again', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1, { echo: false });
    const outcome = expect(sent).rejects.toMatchObject({ code: 'closed' });
    await settle();
    socket.refuse('sendMessage', 'internal');
    await settle();
    client.close();
    await outcome;
    expect(world.timers).toBe(0);
  });
});
