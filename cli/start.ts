import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalCloud } from '../local/index.ts';
import { isOrigin, SUBPROTOCOL } from '../server/config.ts';
import { readArguments, readPairs, refusePositionals } from './arguments.ts';
import { DEFAULT_URL } from './ask-local-cloud.ts';
import type { LocalCloudModule } from './local-cloud.ts';
import { openBrowser } from './open-browser.ts';
import { providePage } from './page.ts';
import { CLOUD_OPTIONS, cloudOptions, runUntilStopped, say } from './run.ts';
import { synthesize } from './synthesize.ts';
import { typedCommand, UsageError } from './usage.ts';

/** The package has Beckon's stack as a template, with the handlers beside it. The repository has the CDK app instead. */
const TEMPLATE = join(import.meta.dirname, 'template/beckon-with-search.template.json');
const PROJECT = join(import.meta.dirname, '..');

/** Allows every user everything, with every user and in every room. */
const DEMO_CAPABILITY = {
  'user:*': ['send', 'history', 'presence'],
  'room:*': ['join', 'send', 'history', 'presence'],
  'service:*': ['history'],
};

/** The parameters of Beckon's stack: it trusts the local issuer, and pages of this local cloud may connect. */
const PARAMETERS = {
  Issuer: '{endpointUrl}/_local',
  AllowedOrigins: '{endpointUrl},http://localhost:{port}',
  DefaultCapability: JSON.stringify(DEMO_CAPABILITY),
};

/** `beckon start`: runs Beckon with the demo page. In the repository it synthesizes the stack first. */
export async function start(args: readonly string[]): Promise<void> {
  const given = readArguments(args, { ...CLOUD_OPTIONS, 'allow-origin': 'values', 'no-open': 'flag' });
  refusePositionals('start', given.positionals);
  const options = cloudOptions(given);
  const isBuilt = existsSync(TEMPLATE);
  const parameters = {
    ...PARAMETERS,
    AllowedOrigins: allowedOrigins(given.values('allow-origin')),
    ...(isBuilt && { CodeBucket: 'local' }),
    ...readPairs('parameter', given.values('parameter')),
  };
  await runUntilStopped(async (localCloud, signal) => {
    const providing = providePage();
    const app = given.value('app') ?? (isBuilt ? TEMPLATE : await synthesizeBeckon(localCloud, signal));
    const page = await providing;
    const cloud = await localCloud.startLocalCloud({ ...options, app, parameters, staticDirectory: page.directory });
    await page.configure({ websocketUrl: cloud.websocketUrl, tokenUrl: '/_local/token' });
    const { pageUrl } = cloud.ready;
    if (pageUrl !== undefined && !given.flag('no-open')) openBrowser(pageUrl);
    return cloud;
  }, describeBeckon);
}

/** Exported for its test. Adds the origins of the application's own pages to those of this local cloud. */
export function allowedOrigins(more: readonly string[]): string {
  const wrong = more.find((origin) => !isOrigin(origin));
  if (wrong !== undefined)
    throw new UsageError(`--allow-origin takes an origin, such as http://localhost:5173, got "${wrong}"`);
  return [PARAMETERS.AllowedOrigins, ...more].join(',');
}

function describeBeckon({ endpointUrl, websocketUrl, ready }: LocalCloud): readonly string[] {
  const token = typedCommand(endpointUrl === DEFAULT_URL ? 'token bob' : `token bob --url ${endpointUrl}`);
  return [
    `Beckon is running: ${ready.pageUrl ?? websocketUrl} (Ctrl-C stops it)`,
    `  in a terminal: npx wscat -c ${websocketUrl} -s ${SUBPROTOCOL} -H "Authorization: Bearer $(${token})"`,
    '  pages of your own, of a development server for example, need --allow-origin URL',
    `  with the AWS CLI and SDKs: ${endpointUrl} (see docs/local.md)`,
  ];
}

function synthesizeBeckon(localCloud: LocalCloudModule, signal: AbortSignal): Promise<string> {
  say('synthesizing the app…');
  const { LOCAL_ACCOUNT: account, LOCAL_REGION: region } = localCloud;
  return synthesize({ directory: PROJECT, account, region, context: { search: 'true' }, signal });
}
