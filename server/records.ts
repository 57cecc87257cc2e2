/** What the tables keep of users, beside their connections. */
export interface Records {
  /**
   * Deletes messages to a user, their markers and their state, but not that their tokens were revoked. Messages that they have sent are others' mail; those go
   * with the retention, and so do what was indexed for searching and who was told of in rooms.
   * @returns how many items were deleted, `limit` at most: there are more if it is as many
   */
  deleteOf(userId: string, limit: number): Promise<number>;
}
