import type { AwsClient } from 'aws4fetch';
import { userAddress } from '../address.ts';
import { HANDSHAKE_LIMIT, type Revocations } from '../auth/revocations.ts';
import { type Now, toSeconds } from '../clock.ts';
import { number } from './attributes.ts';
import { chargeInput, type Pace } from './charge-input.ts';
import { isBelow } from './conditions.ts';
import { keyOf } from './tables.ts';

/** How long the count of a user's handshakes is kept, in seconds: longer than the whole burst takes. */
const COUNT_SECONDS = 3600;

type ItemAsJson = Readonly<Record<string, { readonly S: string } | { readonly N: string }>>;

export interface RevocationsOptions {
  /**
   * Signs for the service `dynamodb`. The SDK's client alone would make the authorizer's bundle five times as large.
   */
  readonly client: AwsClient;
  /** `https://dynamodb.{region}.amazonaws.com/` */
  readonly endpoint: string;
  readonly tableName: string;
  readonly now: Now;
}

/**
 * Counts of handshakes and revocations in the connections table. A revocation never expires, because nobody knows how
 * long the tokens are valid.
 */
export function createDynamoDbRevocations({ client, endpoint, tableName, now }: RevocationsOptions): Revocations {
  /** @returns undefined if the condition does not hold */
  async function call(operation: string, input: object): Promise<{ readonly Item?: ItemAsJson } | undefined> {
    const response = await client.fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `DynamoDB_20120810.${operation}` },
      body: JSON.stringify({ TableName: tableName, ...input }),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    if (response.status === 400 && text.includes('ConditionalCheckFailedException')) return undefined;
    throw new Error(`DynamoDB answered ${response.status} to ${operation}: ${text.slice(0, 300)}`);
  }

  /** @returns false if the user connects too often */
  async function countHandshake(userId: string): Promise<boolean> {
    const nowMs = now();
    const count = (pace: Pace) => {
      const { condition, set, values } = chargeInput({ limit: HANDSHAKE_LIMIT, cost: 1 }, pace, nowMs);
      return call('UpdateItem', {
        Key: keyOf('handshakes', { user: userAddress(userId) }),
        ConditionExpression: condition.expression,
        UpdateExpression: `SET ${set}, expiresAt = :expiry`,
        ExpressionAttributeValues: {
          ...condition.values,
          ...values,
          ':expiry': number(toSeconds(nowMs) + COUNT_SECONDS),
        },
      });
    };
    return ((await count('idle')) ?? (await count('busy'))) !== undefined;
  }

  async function revokedUntil(userId: string): Promise<number | undefined> {
    const found = await call('GetItem', {
      Key: keyOf('revocation', { user: userAddress(userId) }),
      ConsistentRead: true,
    });
    const until = found?.Item?.['revokedUntil'];
    return until && 'N' in until ? Number(until.N) : undefined;
  }

  return {
    async admitHandshake(userId) {
      const [until, admitted] = await Promise.all([revokedUntil(userId), countHandshake(userId)]);
      return { admitted, ...(until !== undefined && { revokedUntil: until }) };
    },

    revokedUntil,

    async revoke(userId, untilSeconds) {
      const isLater = isBelow('revokedUntil', number(untilSeconds));
      await call('UpdateItem', {
        Key: keyOf('revocation', { user: userAddress(userId) }),
        ConditionExpression: isLater.expression,
        UpdateExpression: 'SET revokedUntil = :until',
        ExpressionAttributeValues: { ...isLater.values, ':until': number(untilSeconds) },
      });
    },
  };
}
