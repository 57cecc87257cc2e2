import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { isObject, type Problem, parseJson, toError } from '../../protocol/index.ts';
import type { ManageResult } from '../operations/manage.ts';
import type { ManageEvent } from '../operations/manage-event.ts';

/**
 * Invokes the `manage` function until it is done. Rejects with a BeckonError that has the code and the sentence of the
 * function.
 */
export type InvokeManage = (event: ManageEvent) => Promise<Omit<ManageResult, 'done'>>;

/** @param config The settings of the SDK's client. Default: the credentials and the region of the environment */
export function createManageClient(functionName: string, config: LambdaClientConfig = {}): InvokeManage {
  const client = new LambdaClient(config);

  async function invoke(event: ManageEvent): Promise<ManageResult> {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) });
    const { Payload, FunctionError } = await client.send(command);
    const answer = JSON.parse(Payload?.transformToString() ?? 'null');
    if (FunctionError) throw errorOf(answer?.errorMessage ?? FunctionError);
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

/** The problem that the function tells as JSON; or the plain text of Lambda, if Lambda itself failed the invocation. */
function errorOf(message: string): Error {
  const told = parseJson(message);
  return told.ok && isObject(told.value) ? toError(told.value as unknown as Problem) : new Error(message);
}
