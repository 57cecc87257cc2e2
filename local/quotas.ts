import * as v from 'valibot';

const atLeastOne = v.pipe(v.number(), v.minValue(1), v.finite());

/** The quotas of the account that the option `quotas` can change. */
export const quotas = v.strictObject({
  /**
   * Lambda's concurrent executions. AWS: 1,000; new accounts may have 10
   * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
   */
  concurrentExecutions: v.optional(v.pipe(atLeastOne, v.integer('an integer')), 1000),
  /**
   * Requests a second to API Gateway: handshakes, messages and `@connections` together, of all APIs. The burst is half as much.
   * AWS: 10,000 and 5,000; 2,500 and 1,250 in newer regions
   * (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
   */
  requestsPerSecond: v.optional(atLeastOne, 10_000),
  /**
   * DynamoDB's capacity units a second of one partition key. AWS: 3,000 and 1,000. Default: no limit
   * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
   */
  partitionReadUnits: v.optional(atLeastOne),
  partitionWriteUnits: v.optional(atLeastOne),
});

/** AWS's default quotas, unless the option sets others. */
export type Quotas = v.InferOutput<typeof quotas>;
