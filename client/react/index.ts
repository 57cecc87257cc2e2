'use client';

import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import {
  type Carried,
  type Client,
  type ClientEvents,
  type ConnectionState,
  type ConnectOptions,
  connect,
  type Payload,
  type Sendable,
} from '../index.ts';

/** What there is before there is a client: on the server, and while the page is rendered for the first time. */
const NOT_YET: ConnectionState = Object.freeze({ status: 'connecting' });

/** Before the page is painted, so that no message comes before its listeners; on the server there is nothing to do. */
const useCommitEffect = 'window' in globalThis ? useLayoutEffect : useEffect;

/**
 * A connection that lives as long as the component: made when it is mounted, closed when it is unmounted. StrictMode's
 * rehearsal makes none.
 *
 * The options count as they are then. A new `url` makes another client; `getToken` is always asked as it was last rendered,
 * so it may be written inline. For another user, give the component a `key`.
 * @returns `undefined` on the server and in the first rendering.
 * @throws TypeError as `connect` does, for the error boundary, when an option is wrong.
 */
export function useBeckon<Incoming extends Carried<Incoming> = Payload, Outgoing = Sendable<Incoming>>(
  options: ConnectOptions,
): Client<Incoming, Outgoing> | undefined {
  const [client, setClient] = useState<Client<Incoming, Outgoing>>();
  const latest = useLatest(options);
  const { url } = options;
  useCommitEffect(() => {
    const getToken: ConnectOptions['getToken'] = (request) => latest.current.getToken(request);
    const made = connect<Incoming, Outgoing>({ ...latest.current, url, getToken });
    setClient(made);
    return () => {
      setClient(undefined);
      made.close();
    };
  }, [latest, url]);
  return client;
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

/** The value of the last rendering that was shown; the same object every time. */
function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useCommitEffect(() => {
    latest.current = value;
  });
  return latest;
}
