import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { propertyError, readProperties } from '../resource-properties.ts';
import type { Resource } from '../service.ts';

/** A function's code, before it is unpacked. */
export type Code =
  | { readonly kind: 'inline'; readonly source: string }
  | { readonly kind: 'folder'; readonly folder: string };

const schema = v.object({
  Code: v.union([
    v.string(),
    v.strictObject({ ZipFile: v.string() }),
    v.strictObject({ S3Bucket: v.string(), S3Key: v.string() }),
  ]),
});

/**
 * Finds a function's code: the inline `ZipFile`, or a folder below the template's asset directory. The folder is the one
 * that the resource's metadata `aws:asset:path` names (which the CDK writes); else the path that `Code` itself is
 * (`"Code": "./folder"`, the form that `aws cloudformation package` takes); else, for the CDK's key `<hash>.zip`, the
 * folder `asset.<hash>`.
 * @throws Error naming the resource, when there is no such folder or it does not hold the handler's file
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
  const named =
    typeof asset === 'string' ? asset : typeof Code === 'string' ? Code : stagedFolder(resource, Code.S3Key);
  const folder = path.resolve(resource.assetDirectory, named);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw propertyError(resource, 'Code', `expected a folder with the function's code at ${folder}, but there is none`);
  }
  requireHandlerFile(resource, folder, handler);
  return { kind: 'folder', folder };
}

function stagedFolder(resource: Resource, key: string): string {
  if (key.endsWith('.zip')) return `asset.${path.posix.basename(key, '.zip')}`;
  throw propertyError(
    resource,
    'Code.S3Key',
    `"${key}" is not an asset of the CDK; for a local folder write "Code": "./folder", as for "aws cloudformation package"`,
  );
}

/** AWS finds out at the first invocation (`Runtime.ImportModuleError`); a laptop need not wait for that. */
function requireHandlerFile(resource: Resource, folder: string, handler: string): void {
  const base = path.posix.basename(handler);
  const module = handler.slice(0, handler.length - base.length) + base.slice(0, base.indexOf('.'));
  const file = path.resolve(folder, module);
  if (['', '.js', '.mjs', '.cjs'].some((extension) => existsSync(file + extension))) return;
  throw propertyError(
    resource,
    'Handler',
    `"${handler}" names the file ${module}.js (or .mjs, .cjs), which ${folder} lacks`,
  );
}
