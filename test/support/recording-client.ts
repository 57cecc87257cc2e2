import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A client of DynamoDB that writes down what it is asked, and answers as told; by default, that there is nothing. */
export function createRecordingClient(answer: () => object = () => ({})) {
  const inputs: Record<string, unknown>[] = [];
  const send = async ({ input }: { readonly input: Record<string, unknown> }) => {
    inputs.push(input);
    return answer();
  };
  return { client: { send } as unknown as DynamoDBClient, inputs };
}
