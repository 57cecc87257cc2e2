import type { SendOptions } from '../api.ts';
import type { BeckonError } from '../index.ts';
import { check, checkCount, checkNames } from '../options.ts';
import type { Entry } from './entries.ts';
import type { Peer } from './peer.ts';
import type { Store } from './store.ts';

/**
 * What a conversation is doing.
 *
 * | status | meaning |
 * |---|---|
 * | `loading` | the newest page is being read for the first time |
 * | `ready` | the entries are complete from the oldest on |
 * | `reloading` | messages were missed, and are being read again |
 * | `failed` | the server refuses the history or the room, or the client is closed, as `error` explains |
 * | `left` | a new token does not allow the room |
 */
export type ConversationStatus = 'loading' | 'ready' | 'reloading' | 'failed' | 'left';

export interface ConversationState<Data> {
  readonly status: ConversationStatus;
  /**
   * The messages in the order of the server, each once: from the history, live, from other devices of this user, and sent here. Messages that
   * the server does not have yet come last. At most 1,000, and as many as `loadEarlier` has loaded, at most 10,000.
   */
  readonly entries: readonly Entry<Data>[];
  /** Whether `loadEarlier` finds more. */
  readonly hasEarlier: boolean;
  /** How many of the entries are messages of others that this user has not read. */
  readonly unread: number;
  /** The key of the first entry that was unread, for a line above it. It stays after it is read, until others are unread. */
  readonly firstUnread?: string;
  /** The other users who are typing. */
  readonly typing: readonly string[];
  /** Why the status is `failed` or `left`, or why the last marker failed. */
  readonly error?: BeckonError;
}

export interface ConversationOptions {
  /** How many messages to read at once, at most 100. Default: 50. */
  readonly pageSize?: number;
  /**
   * When messages of others count as read. `visible`: as soon as they are entries of a page that is visible and has the focus; outside of
   * browsers, at once. `manual`: when the application calls `markRead`. Default: `visible`.
   */
  readonly markRead?: 'visible' | 'manual';
  /** Whether to ask the other user's devices for receipts, so that entries become `received`. Default: true. */
  readonly receipts?: boolean;
}

/** A conversation as a view needs it. Its functions need no `this`. */
export interface Conversation<Data> extends Store<ConversationState<Data>> {
  readonly peer: Peer;
  /**
   * Sends a message. It is an entry at once.
   *
   * ```ts
   * conversation.send({ text: 'hi' });
   * ```
   * @returns The entry. It does not throw: an entry that cannot be sent is `failed`, and its `error` says why. After `close`, the entry is
   * not part of the state.
   */
  readonly send: (data: Data, options?: SendOptions) => Entry<Data>;
  /** Sends a failed entry again, under the same id. Without such an entry it does nothing. */
  readonly retry: (key: string) => void;
  /** Removes a failed entry. Without such an entry it does nothing. */
  readonly discard: (key: string) => void;
  /**
   * Loads the page before the oldest entry.
   * @throws BeckonError with the code of `client.history`, as a rejection; `closed` after `close`.
   */
  readonly loadEarlier: (limit?: number) => Promise<void>;
  /**
   * Marks the messages up to this serial as read. Default: all entries.
   * @throws BeckonError with the code of `client.markRead`, as a rejection; `closed` after `close`.
   */
  readonly markRead: (serial?: string) => Promise<void>;
  /**
   * Tells the other side that this user is typing, at most every 4 seconds. Call it with each key, and with `false` when the text is
   * empty; a message that is sent ends it as well. The others forget it after 8 seconds.
   */
  readonly setTyping: (isTyping: boolean) => void;
}

/** How many messages a conversation reads at once. */
const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 100;

/**
 * Checks the options and fills in the defaults.
 * @throws TypeError for a wrong option.
 */
export function resolveConversation(options: ConversationOptions): Required<ConversationOptions> {
  const where = 'openConversation';
  checkNames(where, options, ['pageSize', 'markRead', 'receipts']);
  const { pageSize = DEFAULT_PAGE_SIZE, markRead = 'visible', receipts = true } = options;
  check(where, 'markRead', markRead, /^(visible|manual)$/.test(markRead), '"visible" or "manual"');
  check(where, 'receipts', receipts, typeof receipts === 'boolean', 'true or false');
  return { pageSize: checkPageSize(where, 'pageSize', pageSize), markRead, receipts };
}

/** @throws TypeError unless it is a number of messages. */
export function checkPageSize(where: string, name: string, value: number): number {
  return Math.min(MAX_PAGE_SIZE, checkCount(where, name, value));
}
