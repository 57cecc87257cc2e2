import { join } from 'node:path';
import { install, run, say, type Tarballs, write } from './project.ts';

const LAYOUT = `
export default function Layout({ children }: { children: React.ReactNode }) {
  return <html lang="en"><body>{children}</body></html>;
}
`;

const PAGE = `'use client';
import { useBeckon, useConnectionState } from 'beckon/react';

export default function Page() {
  const client = useBeckon<{ title: string }>({ url: 'wss://example.com/prod', getToken: async () => 'x' });
  const { status } = useConnectionState(client);
  return <p>{status}</p>;
}
`;

/** Builds a page with the hooks in Next.js. Checks their types, and that the server renders the page. */
export function checkNext(temporary: string, { beckon }: Tarballs): void {
  say('Next.js…');
  const folder = join(temporary, 'next');
  write(folder, { 'package.json': '{}', 'app/layout.tsx': LAYOUT, 'app/page.tsx': PAGE });
  install(folder, beckon, 'next', 'react', 'react-dom', 'typescript@5', '@types/react', '@types/node@24');
  run(folder, 'npx', 'next', 'build');
}
