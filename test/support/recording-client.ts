import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** Creates a DynamoDB client that records its commands, and returns the given answer. Default: empty answers. */
export function createRecordingClient(answer: () => object = () => ({})) {
  const inputs: Record<string, unknown>[] = [];
  const send = async ({ input }: { readonly input: Record<string, unknown> }) => {
    inputs.push(input);
    return answer();
  };
  return { client: { send } as unknown as DynamoDBClient, inputs };
}
