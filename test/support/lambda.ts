import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { createClock } from '../../local/clock.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { createLambda, type LambdaOptions, type LambdaService } from '../../local/lambda/index.ts';
import type { AwsService, Log, Resource } from '../../local/service.ts';
import { type AwsServer, provision, resource, startAwsServer } from './aws-server.ts';

export type LogEntry = Parameters<Log>[0];

/** The local cloud's Lambda behind a port, with an AWS SDK client for it. */
export interface LambdaBench {
  readonly lambda: LambdaService;
  readonly client: LambdaClient;
  readonly server: AwsServer;
  readonly log: readonly LogEntry[];
  /** Deploys a function. `files` maps paths to text; plain text becomes `index.js`. */
  deploy(files: Readonly<Record<string, string>> | string, properties?: Resource['properties']): Promise<string>;
  /** Invokes a function synchronously with the SDK. */
  invoke(functionName: string, event?: unknown, input?: Partial<InvokeCommandInput>): Promise<SdkInvoked>;
  close(): Promise<void>;
}

export interface SdkInvoked {
  readonly payload: unknown;
  readonly functionError: string | undefined;
  readonly executedVersion: string | undefined;
  readonly requestId: string | undefined;
  /** The tail of the log, if the test requested it. */
  readonly logTail: string;
}

export const ROLE = 'arn:aws:iam::000000000000:role/function-role';

export async function startLambdaBench(
  options: Partial<LambdaOptions> = {},
  ...others: AwsService[]
): Promise<LambdaBench> {
  const log: LogEntry[] = [];
  const assetDirectory = mkdtempSync(path.join(tmpdir(), 'lambda-bench-'));
  let port = 0;
  const lambda = createLambda({
    clock: createClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    assumeRole: (roleArn, service) => ({ kind: 'role', roleArn, sessionName: service }),
    issueCredentials: () => ({ accessKeyId: 'function-role', secretAccessKey: 'secret', sessionToken: 'token' }),
    endpoint: () => ({ host: '127.0.0.1', port }),
    log: (entry) => log.push(entry),
    ...options,
  });
  const server = await startAwsServer(lambda, ...others);
  port = Number(new URL(server.client().endpoint).port);
  const client = new LambdaClient(server.client());
  let count = 0;
  return {
    lambda,
    client,
    server,
    log,
    async deploy(files, properties = {}) {
      const logicalId = `Function${count++}`;
      const folder = path.join(assetDirectory, logicalId);
      writeFiles(folder, typeof files === 'string' ? { 'index.js': files } : files);
      const { ref } = await provision(lambda, {
        ...resource('AWS::Lambda::Function', { ...DEFAULTS, Code: `./${logicalId}`, ...properties }, logicalId),
        assetDirectory,
      });
      return ref;
    },
    async invoke(functionName, event = {}, input = {}) {
      const answer = await client.send(
        new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event), ...input }),
      );
      const text = answer.Payload?.transformToString() ?? '';
      return {
        payload: text === '' ? undefined : JSON.parse(text),
        functionError: answer.FunctionError,
        executedVersion: answer.ExecutedVersion,
        requestId: answer.$metadata.requestId,
        logTail: Buffer.from(answer.LogResult ?? '', 'base64').toString(),
      };
    },
    async close() {
      client.destroy();
      await server.close();
      rmSync(assetDirectory, { recursive: true, force: true });
    },
  };
}

/** A timeout with time for a busy machine. */
const DEFAULTS = { Handler: 'index.handler', Runtime: 'nodejs22.x', Role: ROLE, Timeout: 30 };

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
