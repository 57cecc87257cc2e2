/** The CDK app of the end-to-end tests: Beckon, and another application's Lambda that sends through it. */
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { BeckonStack } from '../../lib/beckon-stack.ts';

const app = new App();
const stack = new BeckonStack(app, 'Beckon', { search: app.node.tryGetContext('search') === 'true' });
const notifierDirectory = join(app.outdir, 'notifier');
buildSync({
  entryPoints: [join(import.meta.dirname, 'notifier.ts')],
  outfile: join(notifierDirectory, 'index.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  mainFields: ['module', 'main'],
  external: ['@aws-sdk/credential-provider-*'],
  logLevel: 'error',
});
const notifier = new LambdaFunction(stack, 'Notifier', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromAsset(notifierDirectory),
  environment: { SEND_FUNCTION: stack.beckon.sendFunction.functionName },
});
stack.beckon.grantSend(notifier);
stack.exportValue(notifier.functionName, { name: 'NotifierName' });
stack.exportValue(stack.beckon.failedSendsQueue.queueUrl, { name: 'FailedSendsUrl' });
app.synth();
