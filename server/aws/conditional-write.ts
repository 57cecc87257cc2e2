import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  type UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

/**
 * Writes where the command's condition holds.
 * @returns false, and nothing is changed, where it does not. Also when the answer to a first attempt got lost, which the SDK
 * then finds done
 */
export async function writeConditionally(
  client: DynamoDBClient,
  command: UpdateItemCommand | DeleteItemCommand,
): Promise<boolean> {
  try {
    await (command instanceof DeleteItemCommand ? client.send(command) : client.send(command));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
