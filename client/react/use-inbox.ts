import { useMemo } from 'react';
import type { Client } from '../index.ts';
import { type Inbox, type InboxOptions, type InboxState, openInbox } from '../stores/inbox.ts';
import { useStore } from './use-store.ts';

/** The state of the list of conversations, and its function. */
export type InboxView<Data> = InboxState<Data> & Pick<Inbox<Data>, 'loadMore'>;

const LOADING: InboxState<never> = Object.freeze({
  status: 'loading',
  unread: 0,
  conversations: Object.freeze([]),
  hasMore: false,
});

/** There is nothing to load before there is a list. */
const NOT_YET = () => {};

/**
 * The user's conversations for as long as the component is mounted: {@link openInbox} as a hook. The options count as they are when the list
 * opens.
 *
 * ```tsx
 * const { conversations, unread } = useInbox(client);
 * ```
 * @param client `undefined`: the status is `loading`.
 * @throws TypeError for a wrong option, for the error boundary.
 */
export function useInbox<Data>(client: Client<Data, never> | undefined, options?: InboxOptions): InboxView<Data> {
  const open = () => client && openInbox<Data>(client, options);
  const [state, inbox] = useStore<InboxState<Data>, Inbox<Data>>(open, client, undefined, LOADING);
  const loadMore = inbox?.loadMore ?? NOT_YET;
  return useMemo(() => ({ ...state, loadMore }), [state, loadMore]);
}

/**
 * How many messages are unread in all conversations of the user, for a badge; 0 until that is known.
 *
 * ```tsx
 * const unread = useUnread(client);
 * ```
 */
export function useUnread<Data>(client: Client<Data, never> | undefined): number {
  return useInbox(client).unread;
}
