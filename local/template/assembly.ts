import { join } from 'node:path';
import { isObject, type JsonObject, readJsonFile } from '../json.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';
import { inOrder } from './order.ts';
import type { Stack } from './stack.ts';

/**
 * Loads a CDK cloud assembly (`cdk.out`). Its `manifest.json` lists artifacts: stacks, asset manifests with the folder of
 * each S3 object, and nested assemblies (CDK stages).
 */
export function loadAssembly(directory: string): readonly Stack[] {
  const manifest = join(directory, 'manifest.json');
  const artifacts = entries(readJsonFile(manifest), 'artifacts', manifest);
  const assets = new Map<string, string>();
  for (const [id, artifact] of artifacts) {
    if (artifact['type'] !== 'cdk:asset-manifest') continue;
    const file = join(directory, text(properties(artifact), 'file', `${manifest}, artifact ${id}`));
    for (const [key, path] of readAssets(file)) assets.set(key, path);
  }
  const dependencies = new Map(artifacts.map(([id, artifact]) => [id, stringsOf(artifact['dependencies'])]));
  const { order } = inOrder(dependencies);
  const byId = new Map(artifacts);
  return order.flatMap((id) => loadArtifact(id, byId.get(id) ?? {}, directory, assets));
}

function loadArtifact(
  id: string,
  artifact: JsonObject,
  directory: string,
  assets: ReadonlyMap<string, string>,
): readonly Stack[] {
  const place = `${join(directory, 'manifest.json')}, artifact ${id}`;
  if (artifact['type'] === 'cdk:cloud-assembly') {
    return loadAssembly(join(directory, text(properties(artifact), 'directoryName', place)));
  }
  if (artifact['type'] !== 'aws:cloudformation:stack') return [];
  refuseOtherEnvironment(id, artifact['environment']);
  const own = properties(artifact);
  const name = own['stackName'] === undefined ? id : text(own, 'stackName', place);
  const document = readJsonFile(join(directory, text(own, 'templateFile', place)));
  return [{ name, document, assetDirectory: directory, assets }];
}

/** Refuses a stack of a real account or region: its ARNs name nothing here. */
function refuseOtherEnvironment(id: string, environment: unknown): void {
  const [, account, region] = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(String(environment)) ?? [];
  const isLocal = (value: string | undefined, local: string) =>
    value === undefined || value === local || value.startsWith('unknown-');
  if (isLocal(account, LOCAL_ACCOUNT) && isLocal(region, LOCAL_REGION)) return;
  throw new Error(
    `stack ${id} was synthesized for ${environment}, and the local cloud is aws://${LOCAL_ACCOUNT}/${LOCAL_REGION}; ` +
      `synthesize it with CDK_DEFAULT_ACCOUNT=${LOCAL_ACCOUNT} CDK_DEFAULT_REGION=${LOCAL_REGION} and without a fixed env`,
  );
}

/** Reads the files of an asset manifest: object key → path. */
function readAssets(file: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const [id, asset] of entries(readJsonFile(file), 'files', file)) {
    const source = asset['source'];
    const path = isObject(source) ? source['path'] : undefined;
    if (typeof path !== 'string') continue;
    for (const [, destination] of entries(asset, 'destinations', `${file}, file ${id}`)) {
      paths.set(text(destination, 'objectKey', `${file}, file ${id}`), path);
    }
  }
  return paths;
}

function entries(value: unknown, name: string, place: string): [string, JsonObject][] {
  const found = isObject(value) ? (value[name] ?? {}) : undefined;
  if (!isObject(found)) throw new Error(`${place}: expected an object with "${name}"`);
  return Object.entries(found).map(([key, item]) => {
    if (!isObject(item)) throw new Error(`${place}: expected ${name}.${key} to be an object`);
    return [key, item];
  });
}

function properties(artifact: JsonObject): JsonObject {
  return isObject(artifact['properties']) ? artifact['properties'] : {};
}

function text(value: JsonObject, name: string, place: string): string {
  const found = value[name];
  if (typeof found === 'string') return found;
  throw new Error(`${place}: expected "${name}" to be text, got ${JSON.stringify(found)}`);
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
