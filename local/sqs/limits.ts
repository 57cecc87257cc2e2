/**
 * AWS's SQS quotas for standard queues.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html (read August 2026).
 */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
export const MAX_BATCH_ENTRIES = 10;
export const MAX_RECEIVED_MESSAGES = 10;
export const MAX_MESSAGE_ATTRIBUTES = 10;
export const MAX_IN_FLIGHT = 120_000;
export const MAX_DELAY_SECONDS = 900;
export const MAX_WAIT_SECONDS = 20;
export const MAX_VISIBILITY_TIMEOUT_SECONDS = 43_200;
export const MIN_RETENTION_SECONDS = 60;
export const MAX_RETENTION_SECONDS = 1_209_600;
/** "The PurgeQueue action can be called only once every 60 seconds" (its API reference). */
export const PURGE_INTERVAL_MS = 60_000;
