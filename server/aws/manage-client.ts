import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import type { ManageResult } from '../operations/manage.ts';
import type { ManageEvent } from '../operations/manage-event.ts';

/** Invokes the `manage` function until all is done. Rejects with what the function says is wrong. */
export type InvokeManage = (event: ManageEvent) => Promise<Omit<ManageResult, 'done'>>;

/** @param config of the SDK's client. Default: the credentials and the region of the environment */
export function createManageClient(functionName: string, config: LambdaClientConfig = {}): InvokeManage {
  const client = new LambdaClient(config);

  async function invoke(event: ManageEvent): Promise<ManageResult> {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) });
    const { Payload, FunctionError } = await client.send(command);
    const answer = JSON.parse(Payload?.transformToString() ?? 'null');
    if (FunctionError) throw new Error(answer?.errorMessage ?? FunctionError);
    return answer;
  }

  return async (event) => {
    let total = { disconnected: 0, deleted: 0 };
    for (;;) {
      const { done, disconnected, deleted, ...told } = await invoke(event);
      total = { ...told, disconnected: total.disconnected + disconnected, deleted: total.deleted + deleted };
      if (done) return total;
    }
  };
}
