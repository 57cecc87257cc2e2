import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The scope of the AWS SDK. AWS's runtime has all its packages, in `/var/runtime/node_modules`. */
const SDK_SCOPE = '@aws-sdk';
/** The scopes of the SDK's own dependencies. AWS's runtime has them, too. */
const OTHER_SCOPES = ['@smithy'];

/**
 * An import of a package of the SDK. Handlers may be bundled without the single providers of credentials: Lambda puts
 * credentials into the environment, so no code loads them.
 */
const SDK_IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'](@aws-sdk\/(?!credential-provider-)[a-z0-9-]+)["'/]/g;
const SOURCE = /\.[cm]?js$/;

/** Links the local cloud's own packages of the AWS SDK into `folder`, a `node_modules`. */
export async function linkSdk(folder: string): Promise<void> {
  await mkdir(path.join(folder, SDK_SCOPE), { recursive: true });
  const own = ownFolders(SDK_SCOPE);
  for (const scope of own) {
    for (const name of await readdir(scope)) await link(path.join(scope, name), path.join(folder, SDK_SCOPE, name));
  }
  for (const scope of OTHER_SCOPES) {
    const [installed] = ownFolders(scope);
    if (installed !== undefined) await link(installed, path.join(folder, scope));
  }
}

/**
 * Links the packages of the SDK that code in `taskRoot` uses and the local cloud lacks, from the application. Links nothing
 * else of the application.
 * @param assetDirectory a folder of the application
 * @returns the names of packages that neither has
 */
export async function linkClients(
  folder: string,
  taskRoot: string,
  assetDirectory: string,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const name of await clientsUsedIn(taskRoot)) {
    if (existsSync(path.join(taskRoot, 'node_modules', name)) || existsSync(path.join(folder, name))) continue;
    const installed = [assetDirectory, process.cwd()]
      .flatMap(upwards)
      .find((each) => existsSync(path.join(each, name)));
    if (installed === undefined) missing.push(name);
    else await link(path.join(installed, name), path.join(folder, name));
  }
  return missing;
}

/** Finds the packages of the SDK that code imports. Ignores its own `node_modules`, whose packages have theirs. */
async function clientsUsedIn(taskRoot: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const files = await readdir(taskRoot, { recursive: true, withFileTypes: true });
  for (const file of files) {
    const location = path.join(file.parentPath, file.name);
    const isOwn = !path.relative(taskRoot, location).split(path.sep).includes('node_modules');
    if (!file.isFile() || !SOURCE.test(file.name) || !isOwn) continue;
    for (const [, name = ''] of (await readFile(location, 'utf8')).matchAll(SDK_IMPORT)) names.add(name);
  }
  return names;
}

/** Returns the folders in which the local cloud finds packages of a scope, nearest first. */
function ownFolders(scope: string): readonly string[] {
  const candidates = createRequire(import.meta.url).resolve.paths(scope) ?? [];
  return candidates.map((folder) => path.join(folder, scope)).filter((folder) => existsSync(folder));
}

/** Returns the `node_modules` of a folder and of its parents. */
function upwards(folder: string): readonly string[] {
  const parent = path.dirname(folder);
  const own = path.join(folder, 'node_modules');
  return parent === folder ? [own] : [own, ...upwards(parent)];
}

/** Links a package, unless the name is taken. */
async function link(source: string, target: string): Promise<void> {
  if (!existsSync(target)) await symlink(await realpath(source), target, 'junction');
}
