/** The calls about rooms, presence and history. Tabs that share a connection ask one another for them by these names. */
export const CALL_NAMES = [
  'join',
  'leave',
  'presence',
  'watch',
  'unwatch',
  'history',
  'search',
  'conversations',
  'unread',
  'markRead',
  'block',
  'unblock',
  'blocked',
  'renewToken',
  'signOut',
] as const;

/** The name of a call about rooms, presence or history. */
export type CallName = (typeof CALL_NAMES)[number];
