/** What the tables keep of users, beside their connections. */
export interface Erasure {
  /**
   * Deletes messages to a user, their markers, their state and what is left of their connections, but not that their tokens
   * were revoked. Messages that they have sent are others' mail; those go with the retention, and so do what was indexed for
   * searching and who was told of in rooms. `server/aws/tables.ts` has the rule for each kind of item.
   * @returns how many items it has deleted, or found deleted; there are more if it is at least `limit`
   */
  eraseUser(userId: string, limit: number): Promise<number>;
}
