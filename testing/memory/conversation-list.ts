import type { ConversationList, ListedConversation } from '../../server/history/conversation-list.ts';
import type { MarkerStore } from '../../server/history/markers.ts';
import { deleteWhere, type Erasable } from './erasure.ts';

/** The list of conversations in memory. The contract tests hold it to the rules of the DynamoDB store. */
export function createMemoryConversationList(markers: Pick<MarkerStore, 'read'>): ConversationList & Erasable {
  const list = new Map<string, ListedConversation & { readonly userId: string }>();
  return {
    async note({ userId, peer }, last) {
      const key = JSON.stringify([userId, peer]);
      if ((list.get(key)?.last ?? '') < last) list.set(key, { userId, peer, last });
    },
    async read(userId, limit) {
      const own = [...list.values()].filter((each) => each.userId === userId).slice(0, limit);
      const marked = await markers.read(own);
      return own.map(({ peer, last }, index) => {
        const read = marked[index]?.read;
        return { peer, last, ...(read !== undefined && { read }) };
      });
    },
    eraseUser: (userId) => deleteWhere(list, (key) => JSON.parse(key)[0] === userId),
  };
}
