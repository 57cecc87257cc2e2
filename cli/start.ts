import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOCAL_ACCOUNT, LOCAL_REGION, startLocalCloud } from '../local/index.ts';
import { readArguments, readPairs, refusePositionals } from './arguments.ts';
import { openBrowser } from './open-browser.ts';
import { buildPage } from './page.ts';
import { CLOUD_OPTIONS, cloudOptions, runUntilStopped, say } from './run.ts';
import { synthesize } from './synthesize.ts';

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
    say(`Beckon is running: ${pageUrl ?? cloud.websocketUrl} (Ctrl-C ends it)`);
    if (pageUrl !== undefined && !given.flag('no-open')) openBrowser(pageUrl);
    return cloud;
  });
}

function synthesizeBeckon(signal: AbortSignal): Promise<string> {
  say('synthesizing the app…');
  const context = { search: 'true' };
  return synthesize({ directory: PROJECT, account: LOCAL_ACCOUNT, region: LOCAL_REGION, context, signal });
}
