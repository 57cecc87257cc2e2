import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A client of DynamoDB that writes down what it is asked, and finds nothing. */
export function createRecordingClient(onAsked: () => void = () => undefined) {
  const inputs: Record<string, unknown>[] = [];
  const send = async ({ input }: { readonly input: Record<string, unknown> }) => {
    inputs.push(input);
    onAsked();
    return {};
  };
  return { client: { send } as unknown as DynamoDBClient, inputs };
}
