import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { propertyError, readProperties } from '../resource-properties.ts';
import type { Resource } from '../service.ts';
import { zipNames } from './zip.ts';

/** A function's code, before it is unpacked. */
export type Code =
  | { readonly kind: 'inline'; readonly source: string }
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'zip'; readonly file: string };

const schema = v.object({
  Code: v.union([
    v.string(),
    v.strictObject({ ZipFile: v.string() }),
    v.strictObject({ S3Bucket: v.string(), S3Key: v.string() }),
  ]),
});

/**
 * Finds a function's code: the inline `ZipFile`, or a folder or a zip file below the template's asset directory. It is the one
 * that the resource's metadata `aws:asset:path` names (which the CDK writes); else the path that `Code` itself is
 * (`"Code": "./folder"`, the form that `aws cloudformation package` takes); else the file that the key in the bucket is the
 * path of; else, for the CDK's key `<hash>.zip`, the folder `asset.<hash>` or the file `asset.<hash>.zip`.
 * @throws Error naming the resource, when there is no such folder or file, or it does not hold the handler's file
 */
export function readCode(resource: Resource, handler: string): Code {
  const { Code } = readProperties(resource, schema);
  if (typeof Code === 'object' && 'ZipFile' in Code) {
    if (!handler.startsWith('index.')) {
      throw propertyError(resource, 'Handler', `the file of inline code is index.js, got ${handler}`);
    }
    return { kind: 'inline', source: Code.ZipFile };
  }
  const asset = resource.metadata['aws:asset:path'];
  const named = typeof asset === 'string' ? asset : typeof Code === 'string' ? Code : stagedAsset(resource, Code.S3Key);
  const source = path.resolve(resource.assetDirectory, named);
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    requireHandlerFile(resource, handler, source, (file) => existsSync(path.join(source, file)));
    return { kind: 'folder', folder: source };
  }
  if (stats?.isFile() && source.endsWith('.zip')) {
    const names = readNames(resource, source);
    requireHandlerFile(resource, handler, source, (file) => names.includes(file));
    return { kind: 'zip', file: source };
  }
  throw propertyError(
    resource,
    'Code',
    `expected a folder or a zip file with the function's code at ${source}, but there is none`,
  );
}

function readNames(resource: Resource, zip: string): string[] {
  try {
    return zipNames(zip);
  } catch (error) {
    throw propertyError(resource, 'Code', `${zip} cannot be unpacked: ${(error as Error).message}`);
  }
}

function stagedAsset(resource: Resource, key: string): string {
  if (existsSync(path.resolve(resource.assetDirectory, key))) return key;
  if (!key.endsWith('.zip')) {
    throw propertyError(
      resource,
      'Code.S3Key',
      `"${key}" is not an asset of the CDK; for a local folder write "Code": "./folder", as for "aws cloudformation package"`,
    );
  }
  const zip = `asset.${path.posix.basename(key)}`;
  return existsSync(path.join(resource.assetDirectory, zip)) ? zip : zip.slice(0, -'.zip'.length);
}

/** AWS finds out at the first invocation (`Runtime.ImportModuleError`); a laptop need not wait for that. */
function requireHandlerFile(resource: Resource, handler: string, source: string, has: (file: string) => boolean): void {
  const base = path.posix.basename(handler);
  const module = path.posix.normalize(
    handler.slice(0, handler.length - base.length) + base.slice(0, base.indexOf('.')),
  );
  if (['', '.js', '.mjs', '.cjs'].some((extension) => has(module + extension))) return;
  throw propertyError(
    resource,
    'Handler',
    `"${handler}" names the file ${module}.js (or .mjs, .cjs), which ${source} lacks`,
  );
}
