import { existsSync } from 'node:fs';
import type { LocalCloud } from '../local/index.ts';
import { isOrigin } from '../server/config.ts';
import { readArguments, readPairs, refusePositionals } from './arguments.ts';
import type { LocalCloudModule } from './local-cloud.ts';
import { CLOUD_OPTIONS, cloudOptions, runUntilStopped, say } from './run.ts';
import { synthesize } from './synthesize.ts';
import { UsageError } from './usage.ts';

/** `beckon local`: runs the application of the current folder's CDK project, or the one of `--app`. */
export async function local(args: readonly string[]): Promise<void> {
  const given = readArguments(args, { ...CLOUD_OPTIONS, issuer: 'value', origin: 'value' });
  refusePositionals('local', given.positionals);
  const issuer = readIssuer(given.value('issuer'));
  const origin = readOrigin(given.value('origin'));
  const options = {
    ...cloudOptions(given),
    ...issuer,
    ...origin,
    parameters: readPairs('parameter', given.values('parameter')),
  };
  const app = given.value('app');
  if (app === undefined && !existsSync('cdk.json')) {
    const expected = 'a folder that "cdk synth" wrote, or a template file';
    throw new UsageError(`local needs --app, ${expected}, in a folder without a cdk.json`);
  }
  await runUntilStopped(
    async (localCloud, signal) =>
      localCloud.startLocalCloud({ ...options, app: app ?? (await synthesizeHere(localCloud, signal)) }),
    describeCloud,
  );
}

function readIssuer(url: string | undefined): { readonly issuer?: string } {
  if (url === undefined) return {};
  if (URL.canParse(url) && url.startsWith('https://')) return { issuer: url };
  throw new UsageError(`--issuer takes the https URL of the issuer, such as https://login.example.com/, got "${url}"`);
}

function readOrigin(origin: string | undefined): { readonly origin?: string } {
  if (origin === undefined) return {};
  if (isOrigin(origin)) return { origin };
  throw new UsageError(`--origin takes an origin, such as https://app.example.com, got "${origin}"`);
}

function synthesizeHere(localCloud: LocalCloudModule, signal: AbortSignal): Promise<string> {
  say('synthesizing the app…');
  const { LOCAL_ACCOUNT: account, LOCAL_REGION: region } = localCloud;
  return synthesize({ directory: process.cwd(), account, region, signal });
}

function describeCloud({ endpointUrl, websocketUrls, outputs }: LocalCloud): readonly string[] {
  return [
    `The local cloud is running: ${endpointUrl} (Ctrl-C stops it)`,
    ...Array.from(new Set(Object.values(websocketUrls)), (url) => `  ${url}`),
    ...Object.entries(outputs).flatMap(([stack, values]) =>
      Object.entries(values).map(([name, value]) => `  ${stack}.${name}: ${value}${localAddress(value, endpointUrl)}`),
    ),
  ];
}

/** An output has a WebSocket API's address on AWS. Adds its address in the local cloud. */
function localAddress(output: string, endpointUrl: string): string {
  const [, stageName] = /^wss:\/\/\w+\.execute-api\.[\w.-]+\/(\w+)$/.exec(output) ?? [];
  return stageName === undefined ? '' : ` (locally: ${endpointUrl.replace('http', 'ws')}/${stageName})`;
}
