import { createClock } from './clock.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { createFaults, NO_FAULTS } from './faults.ts';
import { createAwsApi } from './front/aws-api.ts';
import { createCalls } from './front/calls.ts';
import { CONTROL_PATH, createControl } from './front/control.ts';
import { type Front, HOST, openFront } from './front/front.ts';
import { createHosts, presentLocalPageAs } from './front/hosts.ts';
import { createStaticFiles } from './front/static-files.ts';
import { createIam } from './iam/iam.ts';
import { createIssuer, DEFAULT_AUDIENCE } from './issuer.ts';
import type { LocalCloud, Ready } from './local-cloud.ts';
import { createLogBook } from './log.ts';
import { type LocalCloudOptions, readOptions, type Settings } from './options.ts';
import { createServices } from './services.ts';
import { loadApp } from './template/app.ts';
import type { Outputs } from './template/create.ts';
import { deploy } from './template/deploy.ts';
import type { LeftOut } from './template/left-out.ts';
import { createServeStandIn, findIssuer, hostsOf, type TrustedIssuer } from './trust.ts';
import { fillInUrls, stageUrl } from './urls.ts';

/**
 * Deploys an application to this machine and serves it.
 * @throws TypeError for wrong options; DeployError listing the problems of the app; Error for an unusable port, data
 *   directory or fault plan
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const settings = readOptions(options);
  const front = await openFront(settings.port, createHosts(settings.allowedHosts));
  const opened: Closable[] = [front];
  const close = async () => {
    for (const part of opened.splice(0)) await part.close();
  };
  try {
    return await startBehind(front, settings, opened, close);
  } catch (error) {
    await close();
    throw error;
  }
}

interface Closable {
  close(): Promise<void>;
}

/** Deploys and serves behind an open port. Adds the parts that need closing to `opened`, in closing order. */
async function startBehind(
  front: Front,
  settings: Settings,
  opened: Closable[],
  close: () => Promise<void>,
): Promise<LocalCloud> {
  const { staticDirectory } = settings;
  const stacks = loadApp(settings.app);
  let standsFor: TrustedIssuer | undefined;
  const parts = await createParts(front.port, settings, () => (standsFor ? hostsOf(standsFor) : []));
  const { clock, services, iam, issuer, endpoint, endpointUrl } = parts;
  opened.unshift(services);

  const providers = [...iam.providers, ...[...services.byName.values()].flatMap((service) => service.providers)];
  const parameters = fillInUrls(settings.parameters, stacks, endpoint);
  const { resolveReferences, storedParameter } = services;
  const { partial } = settings;
  const lookUps = { resolveReferences, storedParameter };
  const { outputs, leftOut } = await deploy(stacks, { ...lookUps, providers, parameters, partial });
  for (const each of leftOut) parts.log({ level: 'warn', source: 'left out', message: describeLeftOut(each) });
  standsFor = standInFor(parts, settings);
  const websocketUrls = stageUrls(services.apiGateway.apis(), endpoint);
  const ready = describeReady(endpointUrl, websocketUrls, outputs, staticDirectory !== undefined);
  const reports = createReports(parts);
  front.serve({
    control: createControl(issuer, { health: () => ready, ...reports }),
    aws: createAwsApi({ ...parts, services: services.byName }),
    upgrade(request, ...rest) {
      if (settings.origin !== undefined) presentLocalPageAs(settings.origin, request);
      services.apiGateway.handleUpgrade(request, ...rest);
    },
    stage: services.apiGateway.handleHttp,
    files: staticDirectory === undefined ? undefined : createStaticFiles(staticDirectory),
    standIn: standsFor && createServeStandIn(issuer, standsFor),
    log: parts.log,
  });
  return {
    endpointUrl,
    get websocketUrl() {
      return onlyUrl(websocketUrls);
    },
    websocketUrls,
    outputs,
    leftOut,
    ready,
    clock,
    token: issuer.token,
    calls: reports.calls,
    iamReport: reports.iam,
    log: reports.log,
    close,
  };
}

/** Creates the parts that every application runs on. */
async function createParts(port: number, settings: Settings, hostsHere: () => readonly string[]) {
  const { dataDirectory } = settings;
  const clock = createClock(settings.timeScale, settings.startsAtMs);
  const { log, entries } = createLogBook(clock, settings.log);
  if (dataDirectory !== undefined) prepareDataDirectory(dataDirectory);
  const faults = settings.faults === undefined ? undefined : createFaults(settings.faults, { clock, log });
  const calls = createCalls(clock);
  const iam = createIam({ clock, onCheck: ({ principal, resourceArn }) => calls.touched(principal, resourceArn) });
  const endpoint = { host: HOST, port };
  const endpointUrl = `http://${HOST}:${port}`;
  const issuer = await createIssuer({ url: `${endpointUrl}${CONTROL_PATH}`, dataDirectory, now: clock.now });
  const common = { clock, iam, log, settings, endpoint, hostsHere };
  const services = await createServices({ ...common, faults: faults ?? NO_FAULTS });
  return { clock, log, entries, faults, calls, iam, endpoint, endpointUrl, issuer, services };
}

/**
 * Makes the development issuer stand in for the one of the options. Logs the option that an app needs which only trusts
 * others.
 */
function standInFor(
  { issuer, services, log }: Awaited<ReturnType<typeof createParts>>,
  { issuer: url }: Settings,
): TrustedIssuer | undefined {
  const trusted = services.trustedIssuers();
  if (url !== undefined) {
    const found = findIssuer(url, trusted);
    issuer.issueAs({ iss: url, ...(trusted.length === 0 ? { aud: DEFAULT_AUDIENCE } : found.claims) });
    return found;
  }
  const [other] = trusted;
  if (other && !trusted.some((each) => each.issuer === issuer.url)) {
    const message = `no function trusts its tokens, only those of ${other.issuer}; to stand in for that one: --issuer ${other.issuer}`;
    log({ level: 'warn', source: 'issuer', message });
  }
  return undefined;
}

/** Creates the reports about a run, by their names under `/_local`. */
function createReports({ calls, entries, faults, iam, services }: Awaited<ReturnType<typeof createParts>>) {
  return {
    calls: calls.entries,
    faults: () => ({ counts: faults?.counts() ?? {}, log: faults?.log() ?? [] }),
    iam: () => iam.report(new Set(services.byName.keys())),
    log: entries,
  };
}

function stageUrls(
  apis: readonly { readonly apiId: string; readonly name: string; readonly stageName: string }[],
  { host, port }: { readonly host: string; readonly port: number },
): Readonly<Record<string, string>> {
  const labels = apis.map(({ name, stageName }) => `${name}/${stageName}`);
  return Object.fromEntries(
    apis.map(({ apiId, stageName }, index) => {
      const label = labels[index] ?? '';
      const isOnlyOne = labels.indexOf(label) === labels.lastIndexOf(label);
      return [isOnlyOne ? label : `${apiId}/${stageName}`, stageUrl(host, port, stageName)];
    }),
  );
}

function describeReady(
  endpointUrl: string,
  websocketUrls: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, Outputs>>,
  hasPage: boolean,
): Ready {
  const [websocketUrl, ...others] = Object.values(websocketUrls);
  return {
    ...(websocketUrl === undefined || others.length > 0 ? {} : { websocketUrl }),
    endpointUrl,
    ...(hasPage ? { pageUrl: `${endpointUrl}/` } : {}),
    outputs,
  };
}

/** Describes a resource that is left out: the reason, its `Ref`, and the resources that go with it. */
function describeLeftOut({ reason, ref, with: others }: LeftOut): string {
  const parts = others.length === 0 ? '' : `; with it ${others.join(', ')}`;
  return `${reason}; its Ref is ${ref}${parts}`;
}

function onlyUrl(websocketUrls: Readonly<Record<string, string>>): string {
  const [url, ...others] = Object.values(websocketUrls);
  if (url !== undefined && others.length === 0) return url;
  const names = Object.keys(websocketUrls).join(', ') || 'none';
  throw new Error(`websocketUrl is for apps with one WebSocket stage, and this one has ${names}: use websocketUrls`);
}
