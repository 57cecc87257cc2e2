import { Component, createElement, type ReactNode, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useBeckon, useClientEvent, useConnectionState } from '../../../client/react/index.ts';
import type { PageHarness, PageProps } from './react-harness.ts';

const tokens: string[] = [];
const states: string[] = [];

function Page({ url, user, label, more }: PageProps): ReactNode {
  const [shown, show] = useState<readonly string[]>([]);
  const client = useBeckon<string>({
    url,
    // A new function each time.
    getToken: () => {
      tokens.push(user);
      return user;
    },
    minBackoffMs: 20,
    ...more,
  });
  const state = useConnectionState(client);
  useClientEvent(client, 'message', ({ data }) => show((before) => [...before, `${label} ${data}`]));
  states.push(state.status);
  return createElement(
    'main',
    null,
    createElement('p', { id: 'state' }, state.status),
    createElement('p', { id: 'messages' }, shown.join(', ')),
  );
}

class Boundary extends Component<{ readonly children: ReactNode }, { readonly error?: Error }> {
  override state: { readonly error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    return this.state.error ? createElement('p', { id: 'error' }, this.state.error.message) : this.props.children;
  }
}

const root = createRoot(document.body);
const harness: PageHarness = {
  render: (props) =>
    root.render(createElement(StrictMode, null, createElement(Boundary, null, createElement(Page, props)))),
  unmount: () => root.unmount(),
  tokens,
  states,
};
Object.assign(globalThis, { harness });
