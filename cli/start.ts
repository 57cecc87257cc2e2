import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../local/index.ts';
import { SUBPROTOCOL } from '../server/config.ts';
import { readArguments, readPairs, refusePositionals } from './arguments.ts';
import { DEFAULT_URL } from './ask-local-cloud.ts';
import { openBrowser } from './open-browser.ts';
import { buildPage } from './page.ts';
import { CLOUD_OPTIONS, cloudOptions, runUntilStopped, say } from './run.ts';
import { synthesize } from './synthesize.ts';
import { typedCommand } from './usage.ts';

const PROJECT = join(fileURLToPath(import.meta.url), '../..');

/** Everybody may do everything with everybody, and in every room. */
const DEMO_CAPABILITY = {
  'user:*': ['send', 'history', 'presence'],
  'room:*': ['join', 'send', 'history', 'presence'],
};

/** The parameters of Beckon's own stack: tokens are those of the local issuer, and the page is served here. */
const PARAMETERS = {
  Issuer: '{endpointUrl}/_local',
  AllowedOrigins: '{endpointUrl},http://localhost:{port}',
  DefaultCapability: JSON.stringify(DEMO_CAPABILITY),
};

/** `beckon start`: synthesizes and runs Beckon, with the demo page. */
export async function start(args: readonly string[]): Promise<void> {
  const given = readArguments(args, { ...CLOUD_OPTIONS, 'no-open': 'flag' });
  refusePositionals('start', given.positionals);
  const options = cloudOptions(given);
  const parameters = { ...PARAMETERS, ...readPairs('parameter', given.values('parameter')) };
  await runUntilStopped(async (signal) => {
    const page = buildPage(join(PROJECT, 'examples/chat'));
    const app = given.value('app') ?? (await synthesizeBeckon(signal));
    const built = await page;
    const cloud = await startLocalCloud({
      ...options,
      app,
      parameters,
      ...(built ? { staticDirectory: built.directory } : {}),
    });
    await built?.configure({ websocketUrl: cloud.websocketUrl, tokenUrl: '/_local/token' });
    const { pageUrl } = cloud.ready;
    if (pageUrl !== undefined && !given.flag('no-open')) openBrowser(pageUrl);
    return cloud;
  }, describeBeckon);
}

function describeBeckon({ endpointUrl, websocketUrl, ready }: LocalCloud): readonly string[] {
  const token = typedCommand(endpointUrl === DEFAULT_URL ? 'token bob' : `token bob --url ${endpointUrl}`);
  return [
    `Beckon is running: ${ready.pageUrl ?? websocketUrl} (Ctrl-C ends it)`,
    `  in a terminal: npx wscat -c ${websocketUrl} -s ${SUBPROTOCOL} -H "Authorization: Bearer $(${token})"`,
    `  with the AWS CLI and SDKs: ${endpointUrl} (docs/local.md says how)`,
  ];
}

function synthesizeBeckon(signal: AbortSignal): Promise<string> {
  say('synthesizing the app…');
  const context = { search: 'true' };
  return synthesize({ directory: PROJECT, account: LOCAL_ACCOUNT, region: LOCAL_REGION, context, signal });
}
