import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchChromium } from '../support/chromium.ts';
import { invoke, messagesOfPlainNode } from './messages.ts';
import { demand, fromReadme, install, run, say, type Tarballs, withLocalCloud, write } from './project.ts';
import { buildVitePage, servePage } from './vite.ts';

/** The most time from an empty folder to a message in a browser with the README. */
const FIRST_MESSAGE_WITHIN_MS = 5 * 60_000;

/**
 * Follows the README from an empty folder, and measures the time: `cdk init`, the construct, the local cloud, a page with Vite, a
 * message in Chromium. Returns the folder of the app.
 */
export async function checkFirstMinutes(temporary: string, tarballs: Tarballs): Promise<string> {
  say('from nothing to a message in a browser…');
  const startedAt = Date.now();
  const app = join(temporary, 'app');
  write(app, {});
  run(app, 'npx', '--yes', 'aws-cdk@latest', 'init', 'app', '--language', 'typescript');
  installAsTheReadmeSays(app, tarballs);
  write(app, { 'lib/app-stack.ts': stackWith(fromReadme('**In your stack**', 'ts')) });
  const page = join(temporary, 'page');
  buildVitePage(page, tarballs, `${fromReadme('A page of this machine', 'ts')}\n${SHOW}`);
  await withLocalCloud(app, `${fromReadme('On your machine', 'sh')} --memory`, async (ready) => {
    const browser = await launchChromium();
    const server = await servePage(page);
    try {
      const opened = await browser.newPage();
      await opened.goto(server.url);
      await opened.waitForSelector('text=connected');
      await invoke(ready, /SendFunctionName/, { to: { user: 'bob' }, data: { title: 'Sales in May' } });
      await opened.waitForSelector('text=Sales in May');
    } finally {
      await Promise.all([browser.close(), server.close()]);
    }
  });
  const tookMs = Date.now() - startedAt;
  say(`  ${Math.round(tookMs / 1000)} s`);
  demand(tookMs <= FIRST_MESSAGE_WITHIN_MS, `it took ${tookMs} ms, more than ${FIRST_MESSAGE_WITHIN_MS}`);
  return app;
}

/** Runs the README's install commands with the packed files instead of the package names. */
function installAsTheReadmeSays(folder: string, tarballs: Tarballs): void {
  const commands = fromReadme('**In your stack**', 'sh').split('\n');
  for (const command of commands) {
    const [npm = '', ...args] = command.split(' ');
    run(folder, npm, ...args.map((name) => (name in tarballs ? tarballs[name as keyof Tarballs] : name)));
  }
}

/** Shows the log of the README's code in the page. */
const SHOW = `
const show = (text: string) => document.body.append(Object.assign(document.createElement('p'), { textContent: text }));
beckon.on('state', ({ status }) => show(status));
beckon.on('message', ({ data }) => show(JSON.stringify(data)));
`;

/** What \`cdk init\` writes, with code in the constructor. */
function stackWith(code: string, more = ''): string {
  const [imports = '', body = ''] = code.split('\n\n');
  return `import * as cdk from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
${imports}
${more}
export class AppStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);
    ${body || code}
  }
}
`;
}

const IMPORTS_OF_A_USUAL_APP = `
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
`;

const USUAL_APP = `
    const notify = new NodejsFunction(this, 'notify', { entry: 'lambda/notify.ts', runtime: Runtime.NODEJS_22_X });
    beckon.grantSend(notify);
    new cdk.CfnOutput(this, 'NotifyName', { value: notify.functionName });
    const files = new Bucket(this, 'Files');
    new HttpApi(this, 'HttpApi');
    const code = Code.fromInline('def handler(event, context): pass');
    const python = new Function(this, 'Python', { runtime: Runtime.PYTHON_3_13, handler: 'index.handler', code });
    files.grantRead(python);
    beckon.grantSend(python);
`;

const TEST = `
import * as cdk from 'aws-cdk-lib/core';
import { Template } from 'aws-cdk-lib/assertions';
import { AppStack } from '../lib/app-stack';

test('the stack has Beckon', () => {
  const template = Template.fromStack(new AppStack(new cdk.App(), 'Test'));
  template.hasResourceProperties('AWS::ApiGatewayV2::Api', { ProtocolType: 'WEBSOCKET' });
});
`;

const NOTIFY = `
import { createSender } from 'beckon/server';

interface Report { title: string }
const sender = createSender<Report>();
export const handler = (event: Report) => sender.sendToUser('bob', event);
`;

/**
 * More in the same app: a bucket, an HTTP API, a Python function, and a function that NodejsFunction bundles and that sends. Its own Jest,
 * without configuration, \`tsc\` and \`cdk synth\` take it; the local cloud runs the part of it that it can.
 */
export async function checkUsualApp(temporary: string, app: string, tarballs: Tarballs): Promise<void> {
  say('a usual app…');
  install(app, 'esbuild', '@aws-sdk/client-dynamodb', '@aws-sdk/client-sqs', '@aws-sdk/client-apigatewaymanagementapi');
  const [imports = '', construct = ''] = fromReadme('**In your stack**', 'ts').split('\n\n');
  const code = `${imports}${IMPORTS_OF_A_USUAL_APP}\n\n    const beckon = ${construct}${USUAL_APP}`.replaceAll(
    /\n\n(?! {4}const beckon)/g,
    '\n',
  );
  write(app, { 'lib/app-stack.ts': stackWith(code), 'lambda/notify.ts': NOTIFY });
  for (const file of readdirSync(join(app, 'test'))) write(app, { [`test/${file}`]: TEST });
  run(app, 'npm', 'run', 'build');
  run(app, 'npx', 'jest');
  run(app, 'npx', 'cdk', 'synth', '--quiet');
  demand(readFileSync(join(app, 'cdk.out/AppStack.template.json'), 'utf8').includes('AWS::S3::Bucket'), 'no bucket');
  const command = `${fromReadme('On your machine', 'sh')} --memory --partial --port 0`;
  await withLocalCloud(app, command, async (ready) => {
    await messagesOfPlainNode(join(temporary, 'node'), tarballs, ready, () =>
      invoke(ready, /^NotifyName/, { title: 'Sales in June' }),
    );
  });
}
