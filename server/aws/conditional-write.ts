import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './attributes.ts';
import type { Condition } from './conditions.ts';

/** The result of a conditional write. */
export type Written =
  /**
   * The condition held. `item` has what the write was asked to return, `units` the consumed write units, if it asked
   * for them.
   */
  | { readonly held: true; readonly item: Item; readonly units: number }
  /** The condition did not hold, and nothing has changed. `item` is the item that is there, if there is one. */
  | { readonly held: false; readonly item: Item | undefined };

/** The input of a conditional write, beside its condition. */
export type Conditional<Input> = Omit<
  Input,
  'ConditionExpression' | 'ReturnValuesOnConditionCheckFailure' | 'ExpressionAttributeValues'
> & {
  /** The values of the update, beside those of the condition. */
  readonly values?: Item;
};

/**
 * Updates an item if the condition holds. Every conditional write through the SDK's client uses this function or {@link
 * deleteIf}.
 *
 * The SDK repeats a write whose answer got lost. The second write may find that the condition no longer holds, although
 * the first one succeeded. Callers treat "not held" as "somebody else did it, or I did".
 */
export function updateIf(
  client: DynamoDBClient,
  condition: Condition,
  { values, ...input }: Conditional<UpdateItemCommandInput>,
): Promise<Written> {
  return write(() => client.send(new UpdateItemCommand({ ...input, ...toInput(condition, values) })));
}

/** Deletes an item if the condition holds. See {@link updateIf}. */
export function deleteIf(
  client: DynamoDBClient,
  condition: Condition,
  { values, ...input }: Conditional<DeleteItemCommandInput>,
): Promise<Written> {
  return write(() => client.send(new DeleteItemCommand({ ...input, ...toInput(condition, values) })));
}

type Output = Pick<UpdateItemCommandOutput, 'Attributes' | 'ConsumedCapacity'>;

async function write(send: () => Promise<Output>): Promise<Written> {
  try {
    const { Attributes = {}, ConsumedCapacity } = await send();
    return { held: true, item: Attributes, units: ConsumedCapacity?.CapacityUnits ?? 0 };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { held: false, item: error.Item };
    throw error;
  }
}

function toInput({ expression, values: ofCondition }: Condition, values: Item = {}) {
  const all = { ...ofCondition, ...values };
  return {
    ConditionExpression: expression,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    // DynamoDB refuses an empty map of values.
    ...(Object.keys(all).length > 0 && { ExpressionAttributeValues: all }),
  } as const;
}
