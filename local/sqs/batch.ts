import { AwsError } from '../service.ts';
import { MAX_BATCH_ENTRIES } from './limits.ts';

interface Entry {
  readonly Id: string;
}

export interface BatchResult {
  readonly [member: string]: unknown;
  readonly Successful: readonly object[];
  readonly Failed: readonly object[];
}

/** Checks a batch. @throws AwsError for an empty one, too many entries, and malformed or repeated ids */
export function checkBatch(entries: readonly Entry[]): void {
  if (entries.length === 0) {
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (entries.length > MAX_BATCH_ENTRIES) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH_ENTRIES}. You have sent ${entries.length}.`,
    );
  }
  const ids = new Set<string>();
  for (const { Id } of entries) {
    if (!/^[A-Za-z0-9-_]{1,80}$/.test(Id)) {
      throw new AwsError('InvalidBatchEntryId', `"${Id}" is not a batch entry id: [A-Za-z0-9-_], 1 to 80 characters.`);
    }
    if (ids.has(Id)) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
    ids.add(Id);
  }
}

/** Runs a batch entry by entry. An `AwsError` of one entry does not affect the others. */
export async function runBatch<E extends Entry>(
  entries: readonly E[],
  run: (entry: E) => Promise<object>,
): Promise<BatchResult> {
  checkBatch(entries);
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...(await run(entry)) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: error.statusCode < 500, Code: error.code, Message: error.message });
    }
  }
  return { Successful, Failed };
}
