'use client';

import { useCallback, useState, useSyncExternalStore } from 'react';
import {
  type Carried,
  type Client,
  type ClientEvents,
  type ConnectionState,
  type ConnectOptions,
  connect,
  type Payload,
  type ReceivedMessage,
  type Sendable,
} from '../index.ts';
import { useCommitEffect, useLatest } from './use-store.ts';

export { type ConversationView, useConversation } from './use-conversation.ts';
export { type InboxView, useInbox, useUnread } from './use-inbox.ts';
export { usePresence } from './use-presence.ts';

/** What there is before there is a client: on the server, and while the page is rendered for the first time. */
const NOT_YET: ConnectionState = Object.freeze({ status: 'connecting' });

/**
 * A connection that lives as long as the component: made when it is mounted, closed when it is unmounted. StrictMode's
 * rehearsal makes none.
 *
 * The options count as they are then. A new `url` makes another client; `getToken` is always asked as it was last rendered,
 * so it may be written inline. For another user, give the component a `key`.
 *
 * ```tsx
 * const client = useBeckon(user && { url, getToken: () => fetchToken(user) });
 * ```
 * @param options `undefined`: there is no client, for example while nobody is signed in.
 * @returns `undefined` on the server, in the first rendering, and without options.
 * @throws TypeError as `connect` does, for the error boundary, when an option is wrong.
 */
export function useBeckon<Incoming extends Carried<Incoming> = Payload, Outgoing = Sendable<Incoming>>(
  options: ConnectOptions | undefined,
): Client<Incoming, Outgoing> | undefined {
  const [made, setMade] = useState<{ readonly url: string | undefined; readonly client: Client<Incoming, Outgoing> }>();
  const latest = useLatest(options);
  const url = options?.url;
  const isGiven = options !== undefined;
  useCommitEffect(() => {
    const { current } = latest;
    if (!isGiven || !current) return;
    // The last ones that there were, if there are none now: the client is about to be closed.
    const getToken: ConnectOptions['getToken'] = (request) => (latest.current ?? current).getToken(request);
    const client = connect<Incoming, Outgoing>({ ...current, url: url as string, getToken });
    setMade({ url, client });
    return () => {
      setMade(undefined);
      client.close();
    };
  }, [latest, url, isGiven]);
  // In the first rendering with another url, or with none, the last client is still there.
  return isGiven && made?.url === url ? made?.client : undefined;
}

/** What the connection is doing; the component is rendered again when it does something else. */
export function useConnectionState<Incoming, Outgoing>(
  client: Client<Incoming, Outgoing> | undefined,
): ConnectionState {
  const subscribe = useCallback((onChange: () => void) => client?.on('state', onChange) ?? (() => {}), [client]);
  const read = () => client?.state ?? NOT_YET;
  return useSyncExternalStore(subscribe, read, read);
}

/** Calls the listener as it was last rendered, for as long as the component is mounted. */
export function useClientEvent<Incoming, Outgoing, E extends keyof ClientEvents<Incoming>>(
  client: Client<Incoming, Outgoing> | undefined,
  event: E,
  listener: (value: ClientEvents<Incoming>[E]) => void,
): void {
  const latest = useLatest(listener);
  useCommitEffect(() => client?.on(event, (value) => latest.current(value)), [client, event, latest]);
}

/**
 * Calls the listener, as it was last rendered, with each message.
 *
 * ```tsx
 * useMessage(client, ({ data }) => notify(data.text));
 * ```
 */
export function useMessage<Incoming, Outgoing>(
  client: Client<Incoming, Outgoing> | undefined,
  listener: (message: ReceivedMessage<Incoming>) => void,
): void {
  useClientEvent(client, 'message', listener);
}
