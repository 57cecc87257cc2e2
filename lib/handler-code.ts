import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandlers } from './bundle-handlers.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * The code of the handler `lambdas/{id}.ts`. The package contains each as a zip beside the compiled `lib/`, which
 * `npm run build` has written. The repository has the source, which is bundled.
 */
export function handlerCode(id: string): Code {
  const zip = join(ROOT, 'handlers', `${id}.zip`);
  return existsSync(zip) ? Code.fromAsset(zip) : bundledFromSource(id);
}

function bundledFromSource(id: string): Code {
  return Code.fromAsset(join(ROOT, 'lambdas'), {
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

let bundles: ReadonlyMap<string, Uint8Array> | undefined;

function bundleOf(id: string): Uint8Array {
  bundles ??= bundleHandlers();
  const built = bundles.get(id);
  if (!built) throw new Error(`There is no handler lambdas/${id}.ts`);
  return built;
}
