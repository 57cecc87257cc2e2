/** What can be sent to: it has subscribers (connections, in the directory) and a log (messages). */
export type Address = `user#${string}`;

/** The address of a user, on all their devices. */
export function userAddress(userId: string): Address {
  return `user#${userId}`;
}
