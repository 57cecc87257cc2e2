import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandlers } from './bundle-handlers.ts';

/** The package has each handler as a zip, which `npm run build` has written. */
const ZIPS = join(import.meta.dirname, 'template/handlers');
const SOURCES = join(import.meta.dirname, '../lambdas');

/**
 * The code of the handler `lambdas/{id}.ts`. In the package it is the zip `{id}.{hash}.zip`; in the repository the source, which
 * is bundled.
 */
export function handlerCode(id: string): Code {
  if (!existsSync(ZIPS)) return bundledFromSource(id);
  const zip = readdirSync(ZIPS).find((name) => name.startsWith(`${id}.`));
  if (zip === undefined) throw new Error(`The package has no handler ${id}`);
  return Code.fromAsset(join(ZIPS, zip));
}

function bundledFromSource(id: string): Code {
  return Code.fromAsset(SOURCES, {
    displayName: id,
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run. Both are part of the key under which the CDK keeps a bundle, so the command tells handlers apart.
      image: DockerImage.fromRegistry('unused'),
      command: [id],
      local: {
        tryBundle(outputDirectory) {
          writeFileSync(join(outputDirectory, 'index.mjs'), bundleOf(id));
          return true;
        },
      },
    },
  });
}

let modules: ReadonlyMap<string, Uint8Array> | undefined;

function bundleOf(id: string): Uint8Array {
  modules ??= bundleHandlers().modules;
  const built = modules.get(id);
  if (!built) throw new Error(`There is no handler lambdas/${id}.ts`);
  return built;
}
