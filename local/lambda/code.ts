import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { propertyError, readProperties } from '../resource-properties.ts';
import type { Resource } from '../service.ts';
import { readZip } from './zip.ts';

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
 * Finds a function's code: the inline `ZipFile`, or a folder or zip below the template's asset directory. It is the one
 * that the resource's metadata `aws:asset:path` names (which the CDK writes); else the path that `Code` itself is
 * (`"Code": "./folder"`, the form that `aws cloudformation package` takes); else, for the CDK's key `<hash>.zip`, the
 * folder `asset.<hash>` or the file `asset.<hash>.zip`.
 * @throws Error naming the resource, when there is neither or it does not hold the handler's file
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
  const location = path.resolve(resource.assetDirectory, named);
  const found = statSync(location, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    requireHandlerFile(resource, location, handler, (file) => existsSync(path.join(location, file)));
    return { kind: 'folder', folder: location };
  }
  if (found?.isFile() && location.endsWith('.zip')) {
    const files = namesInZip(resource, location);
    requireHandlerFile(resource, location, handler, (file) => files.has(path.posix.normalize(file)));
    return { kind: 'zip', file: location };
  }
  throw propertyError(resource, 'Code', `expected a folder with the function's code at ${location}, but there is none`);
}

function namesInZip(resource: Resource, file: string): ReadonlySet<string> {
  try {
    return new Set(readZip(file, () => false).names);
  } catch (error) {
    throw propertyError(resource, 'Code', error instanceof Error ? error.message : String(error));
  }
}

function stagedAsset(resource: Resource, key: string): string {
  if (key.endsWith('.zip')) {
    const asset = `asset.${path.posix.basename(key)}`;
    return existsSync(path.resolve(resource.assetDirectory, asset)) ? asset : asset.slice(0, -'.zip'.length);
  }
  throw propertyError(
    resource,
    'Code.S3Key',
    `"${key}" is not an asset of the CDK; for a local folder write "Code": "./folder", as for "aws cloudformation package"`,
  );
}

/** AWS finds out at the first invocation (`Runtime.ImportModuleError`); a laptop need not wait for that. */
function requireHandlerFile(
  resource: Resource,
  location: string,
  handler: string,
  has: (file: string) => boolean,
): void {
  const base = path.posix.basename(handler);
  const module = handler.slice(0, handler.length - base.length) + base.slice(0, base.indexOf('.'));
  if (['', '.js', '.mjs', '.cjs'].some((extension) => has(module + extension))) return;
  throw propertyError(
    resource,
    'Handler',
    `"${handler}" names the file ${module}.js (or .mjs, .cjs), which ${location} lacks`,
  );
}
