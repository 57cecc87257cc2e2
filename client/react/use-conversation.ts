import { useMemo } from 'react';
import { BeckonError, type Client } from '../index.ts';
import {
  type Conversation,
  type ConversationOptions,
  type ConversationState,
  openConversation,
  type Peer,
  type Store,
} from '../stores/conversation.ts';
import { useStore } from './use-store.ts';

/** The state of a conversation, and its functions. */
export type ConversationView<Data> = ConversationState<Data> & Omit<Conversation<Data>, keyof Store<unknown> | 'peer'>;

const LOADING: ConversationState<never> = Object.freeze({
  status: 'loading',
  entries: Object.freeze([]),
  hasEarlier: false,
  unread: 0,
  typing: Object.freeze([]),
});

/** What the functions do before there is a conversation. A message must not get lost without a word. */
const NOT_YET = {
  send: (): never => {
    throw notYet();
  },
  retry: () => {},
  discard: () => {},
  loadEarlier: async () => {
    throw notYet();
  },
  markRead: async () => {
    throw notYet();
  },
  setTyping: () => {},
};

/**
 * A conversation for as long as the component is mounted: {@link openConversation} as a hook. The component is rendered again when the
 * conversation changes. The peer may be written inline. The options count as they are when the conversation opens.
 *
 * ```tsx
 * const { entries, send } = useConversation(client, { user: 'bob' });
 * ```
 * @param client `undefined`: the status is `loading`.
 * @param peer `undefined`: the same.
 * @returns The state and the functions. Without a client or a peer, `send` throws, and `loadEarlier` and `markRead` reject, with `closed`.
 * @throws TypeError for a wrong peer or option, for the error boundary.
 */
export function useConversation<Data>(
  client: Client<Data, never> | undefined,
  peer: Peer | undefined,
  options?: ConversationOptions,
): ConversationView<Data> {
  const open = () => client && peer && openConversation<Data>(client, peer, options);
  const [state, conversation] = useStore<ConversationState<Data>, Conversation<Data>>(
    open,
    client,
    JSON.stringify(peer),
    LOADING,
  );
  return useMemo(() => {
    const functions: Omit<ConversationView<Data>, keyof ConversationState<Data>> = conversation ?? NOT_YET;
    const { send, retry, discard, loadEarlier, markRead, setTyping } = functions;
    return { ...state, send, retry, discard, loadEarlier, markRead, setTyping };
  }, [state, conversation]);
}

function notYet(): BeckonError {
  return new BeckonError('closed', 'There is no conversation yet: wait until there is a client and a peer.');
}
