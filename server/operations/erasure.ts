/** Deletes what the tables keep of a user, beside live connections. */
export interface Erasure {
  /**
   * Deletes messages to the user, markers, states and the rest of their connections, but not revocations. Messages from
   * the user belong to their recipients and expire with the retention, as do search rows and the presence that rooms
   * were told. `server/aws/tables.ts` has the rule for each kind of item.
   * @returns how many items it has deleted; if it is at least `limit`, there are more
   */
  eraseUser(userId: string, limit: number): Promise<number>;
}
