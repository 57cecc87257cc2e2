import { type LocalCloud, startLocalCloud } from '../local/index.ts';
import { readArguments, readPairs, refusePositionals } from './arguments.ts';
import { CLOUD_OPTIONS, cloudOptions, runUntilStopped } from './run.ts';
import { UsageError } from './usage.ts';

/** `beckon local --app PATH`: runs any application. */
export async function local(args: readonly string[]): Promise<void> {
  const given = readArguments(args, CLOUD_OPTIONS);
  refusePositionals('local', given.positionals);
  const app = given.value('app');
  if (app === undefined) throw new UsageError('local needs --app: a folder that "cdk synth" wrote, or a template file');
  const options = { ...cloudOptions(given), app, parameters: readPairs('parameter', given.values('parameter')) };
  await runUntilStopped(() => startLocalCloud(options), describeCloud);
}

function describeCloud({ endpointUrl, websocketUrls, outputs }: LocalCloud): readonly string[] {
  return [
    `The local cloud is running: ${endpointUrl} (Ctrl-C ends it)`,
    ...Object.values(websocketUrls).map((url) => `  ${url}`),
    ...Object.entries(outputs).flatMap(([stack, values]) =>
      Object.entries(values).map(([name, value]) => `  ${stack}.${name}: ${value}`),
    ),
  ];
}
