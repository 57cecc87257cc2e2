import { expect, it } from 'vitest';
import { openConversation } from '../../../../client/stores/conversation.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { type FakeSocket, settle } from '../../../support/client-world.ts';
import { FakeBrowser, type Page } from '../../../support/pages.ts';

const FROM = 1_000_000;

/** Answers every frame of a socket. */
async function serve(socket: FakeSocket): Promise<void> {
  let answered = 0;
  for (let turn = 0; turn < 20; turn += 1) {
    await settle();
    for (const { action, id, conversation, messages } of socket.sent.slice(answered)) {
      answered += 1;
      const sent = (messages ?? []) as readonly { id: string }[];
      const results = sent.map((message, index) => ({
        id: message.id,
        serial: serialFloor(FROM + index),
        status: 'sent',
      }));
      if (action === 'register') socket.page([], { serverTime: FROM, cursor: serialFloor(FROM) });
      else if (action === 'history') socket.receive({ type: 'history', id, conversation, messages: [] });
      else if (action === 'sendMessage') socket.receive({ type: 'ack', id, results });
      else socket.receive({ type: 'pong', id, serverTime: FROM, messages: [], more: false });
    }
  }
}

it('what one tab sends is an entry in the tabs that share its connection', async () => {
  const browser = new FakeBrowser();
  const leader = browser.open({ shareAcrossTabs: true, storage: 'memory' });
  await settle();
  const { socket } = leader.world;
  socket.open();
  await serve(socket);
  const follower = browser.open({ shareAcrossTabs: true, storage: 'memory' });
  await settle();
  const [there, here] = [leader, follower].map(({ client }: Page) =>
    openConversation<string>(client as never, { user: 'bob' }),
  );
  const next = socket.sent.length;
  const served = serve(
    Object.assign(Object.create(socket), { sent: { slice: (from: number) => socket.sent.slice(next + from) } }),
  );
  here?.send('from the tab that follows');
  await served;
  for (const conversation of [there, here]) {
    expect(conversation?.state.entries).toMatchObject([
      { data: 'from the tab that follows', status: 'sent', isOwn: true },
    ]);
  }
});
