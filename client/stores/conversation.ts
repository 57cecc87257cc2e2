import type { Client } from '../api.ts';
import type { Conversation, ConversationOptions } from './conversation-state.ts';
import { ConversationStore } from './conversation-store.ts';
import type { Peer } from './peer.ts';

export type {
  Conversation,
  ConversationOptions,
  ConversationState,
  ConversationStatus,
} from './conversation-state.ts';
export type { Entry, EntryStatus } from './entries.ts';
export { type Peer, peerOf } from './peer.ts';
export type { Store } from './store.ts';

/**
 * Opens a conversation: its newest messages, and everything that happens in it from now on.
 *
 * ```ts
 * const conversation = openConversation(client, { user: 'bob' });
 * conversation.subscribe(() => render(conversation.state));
 * conversation.send({ text: 'hi' });
 * ```
 * Several conversations with one peer are independent of each other. In a room, it joins the room, and leaves it with `close` unless
 * somebody else has joined it.
 * @throws TypeError for a wrong client, peer or option.
 */
export function openConversation<Data>(
  client: Client<Data, never>,
  peer: Peer,
  options: ConversationOptions = {},
): Conversation<Data> {
  return new ConversationStore<Data>(client, peer, options);
}
