/** Epoch milliseconds. Injected, so that tests set the time. */
export type Now = () => number;

/** Whole epoch seconds, as DynamoDB's TTL needs them. */
export function toSeconds(epochMs: number): number {
  return Math.floor(epochMs / 1000);
}
