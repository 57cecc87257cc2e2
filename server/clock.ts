/** Epoch milliseconds. Injected, so that tests decide what time it is. */
export type Now = () => number;

/** Whole epoch seconds, as DynamoDB's TTL wants them. */
export function toSeconds(epochMs: number): number {
  return Math.floor(epochMs / 1000);
}
