import { beforeEach, describe, expect, test } from 'vitest';
import { roomAddress, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { ConversationList } from '../../server/history/conversation-list.ts';
import type { MarkerStore } from '../../server/history/markers.ts';
import { serialFloor } from '../../server/serial.ts';

const NOW = 1_800_000_000_000;
const at = (ms: number) => serialFloor(NOW + ms);
const WITH_BOB = { userId: 'alice', peer: userAddress('bob') };
const IN_LOBBY = { userId: 'alice', peer: roomAddress('lobby') };

type Stores = { readonly list: ConversationList; readonly markers: MarkerStore };

/** The contract of every list of conversations. `open` creates one over an empty table, with the given clock. */
export function conversationListContract(name: string, open: (now: Now) => Promise<Stores>): void {
  describe(`conversation list on ${name}`, () => {
    let stores: Stores;
    beforeEach(async () => {
      stores = await open(() => NOW);
    });

    test('has what was noted, of this user alone, with the read marker', async () => {
      const { list, markers } = stores;
      expect(await list.read('alice', 10)).toEqual([]);
      await list.note(IN_LOBBY, at(1));
      await list.note(WITH_BOB, at(2));
      await list.note({ ...WITH_BOB, userId: 'carol' }, at(3));
      await markers.move(WITH_BOB, 'read', at(1));
      await markers.move({ userId: 'alice', peer: userAddress('dan') }, 'read', at(1));
      expect(await list.read('alice', 10)).toEqual([
        { peer: 'room#lobby', last: at(1) },
        { peer: 'user#bob', last: at(2), read: at(1) },
      ]);
    });

    test('never goes back', async () => {
      await stores.list.note(WITH_BOB, at(5));
      await stores.list.note(WITH_BOB, at(4));
      await stores.list.note(WITH_BOB, at(5));
      expect(await stores.list.read('alice', 10)).toEqual([{ peer: 'user#bob', last: at(5) }]);
    });

    test('reads at most as many items as asked for', async () => {
      for (const room of ['a', 'b', 'c']) await stores.list.note({ userId: 'alice', peer: roomAddress(room) }, at(1));
      expect(await stores.list.read('alice', 2)).toHaveLength(2);
    });
  });
}
