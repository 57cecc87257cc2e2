/**
 * AWS's Lambda quotas and defaults.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (read August 2026).
 */
export const DEFAULT_TIMEOUT_SECONDS = 3;
export const MAX_TIMEOUT_SECONDS = 900;
export const DEFAULT_MEMORY_MB = 128;
export const MAX_MEMORY_MB = 10_240;
/**
 * "At 1,769 MB, a function has the equivalent of one vCPU", and less in proportion below
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
 */
export const MEMORY_MB_OF_ONE_CPU = 1769;
export const MAX_ENVIRONMENT_BYTES = 4 * 1024;
export const MAX_SYNC_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** A response may have 100 bytes more than a request, as AWS's error message says. */
export const MAX_SYNC_RESPONSE_BYTES = MAX_SYNC_PAYLOAD_BYTES + 100;
/**
 * https://docs.aws.amazon.com/lambda/latest/dg/API_Invoke.html: "For asynchronous invocations, the maximum payload size is 1
 * MB."
 */
export const MAX_ASYNC_PAYLOAD_BYTES = 1024 * 1024;
/**
 * The executions that no function can reserve: "AWS keeps 100", and all of a smaller account
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
 */
export const MIN_UNRESERVED_CONCURRENCY = 100;
/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: the init phase is limited to 10 seconds. */
export const INIT_TIMEOUT_MS = 10_000;

/** A limit for laptops, not of AWS. At this limit, invocations wait for an environment. */
export const MAX_ENVIRONMENTS_PER_FUNCTION = 32;
/** AWS keeps idle environments for some minutes, without a documented number. */
export const IDLE_ENVIRONMENT_MS = 10 * 60_000;
