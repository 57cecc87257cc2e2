import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Store } from '../stores/conversation.ts';

/** Before the page is painted, so that no message comes before its listeners; on the server there is nothing to do. */
export const useCommitEffect = 'window' in globalThis ? useLayoutEffect : useEffect;

/** The value of the last rendering that was shown; the same object every time. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useCommitEffect(() => {
    latest.current = value;
  });
  return latest;
}

const nothing = () => () => {};

/**
 * Opens a store while the component is mounted, and renders the component again when its state changes.
 * @param open Opens the store as it was last rendered. `undefined`: there is nothing to open yet.
 * @param client With another client, another store is opened.
 * @param key With another key, another store is opened.
 * @param before The state while there is no store: on the server, in the first rendering, without a client.
 */
export function useStore<State, Opened extends Store<State>>(
  open: () => Opened | undefined,
  client: object | undefined,
  key: string | undefined,
  before: State,
): readonly [State, Opened | undefined] {
  const [opened, setOpened] = useState<{
    readonly client: object | undefined;
    readonly key: string | undefined;
    readonly store: Opened | undefined;
  }>();
  const latest = useLatest(open);
  // The client and the key say when another store is needed.
  useCommitEffect(() => {
    const store = latest.current();
    setOpened({ client, key, store });
    return () => {
      setOpened(undefined);
      store?.close();
    };
  }, [client, key, latest]);
  // In the first rendering with another key, the last store is still there: it has somebody else's messages.
  const store = opened?.client === client && opened?.key === key ? opened?.store : undefined;
  const read = () => store?.state ?? before;
  return [useSyncExternalStore(store?.subscribe ?? nothing, read, () => before), store];
}
