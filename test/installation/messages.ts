import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { demand, install, type Ready, type Tarballs, write } from './project.ts';

/** Invokes the local cloud's function whose name is in this output. Returns its result. */
export async function invoke({ outputs, endpointUrl }: Ready, output: RegExp, event: object): Promise<unknown> {
  const [, FunctionName] =
    Object.values(outputs)
      .flatMap(Object.entries)
      .find(([name]) => output.test(name)) ?? [];
  if (FunctionName === undefined) throw new Error(`there is no output ${output}: ${JSON.stringify(outputs)}`);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const lambda = new LambdaClient({ endpoint: endpointUrl, region: 'us-east-1', credentials });
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  const result = Payload?.transformToString() ?? '';
  if (FunctionError) throw new Error(`${FunctionName}: ${result}`);
  return JSON.parse(result);
}

/** The most packages, and bytes on disk, that the client alone may install. */
const MOST_PACKAGES = 3;
const MOST_BYTES = 5_000_000;

/** A client that prints its messages. Node 20 has no WebSocket. */
const CLIENT = `
const [url, tokenUrl] = process.argv.slice(2);
const getToken = async () => (await (await fetch(tokenUrl, { method: 'POST', body: '{"sub":"bob"}' })).json()).token;
const beckon = connect({ url, getToken, webSocket: WebSocket });
beckon.on('state', ({ status }) => console.log(status));
beckon.on('message', ({ data }) => console.log(data.title));
`;

/** Plain Node with the client alone, as an ES module and as CommonJS: each gets the message that \`send\` causes. */
export async function messagesOfPlainNode(
  folder: string,
  { beckon }: Tarballs,
  { websocketUrl, endpointUrl }: Pick<Ready, 'websocketUrl' | 'endpointUrl'>,
  send: () => Promise<unknown>,
): Promise<void> {
  write(folder, {
    'package.json': '{}',
    'client.mjs': `import WebSocket from 'ws';\nimport { connect } from 'beckon/client';\n${CLIENT}`,
    'client.cjs': `const WebSocket = require('ws');\nconst { connect } = require('beckon/client');\n${CLIENT}`,
  });
  install(folder, beckon);
  const modules = join(folder, 'node_modules');
  const packages = readdirSync(modules).filter((name) => !name.startsWith('.'));
  demand(packages.length <= MOST_PACKAGES, `the client alone brings ${packages}`);
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const bytes = files.reduce((sum, file) => sum + statSync(join(modules, file)).size, 0);
  demand(bytes <= MOST_BYTES, `the client alone brings ${bytes} bytes`);
  install(folder, 'ws');
  const clients = ['client.mjs', 'client.cjs'].map((file) =>
    spawn(process.execPath, [file, websocketUrl, `${endpointUrl}/_local/token`], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  try {
    const lines = clients.map(({ stdout }) => createInterface({ input: stdout })[Symbol.asyncIterator]());
    for (const line of lines) demand((await line.next()).value === 'connected', 'a client is not connected');
    await send();
    for (const line of lines) demand((await line.next()).value === 'Sales in June', 'a client has no message');
  } finally {
    for (const client of clients) client.kill();
  }
}
