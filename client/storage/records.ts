import { isObject } from '../../protocol/json.ts';
import type { ClientStorage, Snapshot } from './storage.ts';

interface Globals {
  readonly localStorage: Record<'getItem' | 'removeItem', (key: string) => string | null> & {
    setItem(key: string, value: string): void;
  };
}

/** Looked up at each call: where the browser refuses the storage, the property throws. */
const local = () => (globalThis as object as Globals).localStorage;

export const LOCAL_STORAGE: ClientStorage = {
  get: (key) => local().getItem(key),
  set: (key, value) => local().setItem(key, value),
  delete: (key) => local().removeItem(key),
  keys: () => Object.keys(local()),
};

/**
 * What the keys of a user's records begin with. The number is the version of what is in them: a client leaves alone what
 * another version has written, which finds it again.
 */
export function recordPrefix(url: string, user: string): string {
  return `beckon/2 ${url} ${encodeURIComponent(user)} `;
}

/** Reads a record; `undefined` for what this client cannot have written. */
export function readRecord(text: string): Snapshot | undefined {
  try {
    const record = JSON.parse(text) as Snapshot;
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** @throws anything for what is of another shape. */
function isRecord({ feeds, outbox }: Snapshot): boolean {
  return (
    Object.values(feeds).every(
      ({ cursor = '', floor = '', seen = [] }) =>
        typeof cursor === 'string' &&
        typeof floor === 'string' &&
        seen.every(([key, at, sentMs]) => typeof key === 'string' && Number.isFinite(at + sentMs)),
    ) &&
    // A text becomes a part of a frame, and must not break the others in it.
    outbox.every(({ text, bytes, expiresAt }) => isObject(JSON.parse(text)) && Number.isFinite(bytes + expiresAt))
  );
}
