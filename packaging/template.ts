import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  App,
  CfnParameter,
  type DockerImageAssetLocation,
  type DockerImageAssetSource,
  type FileAssetLocation,
  type FileAssetSource,
  Fn,
  type IStackSynthesizer,
  type ISynthesisSession,
  type Stack,
  StackSynthesizer,
} from 'aws-cdk-lib';
import { BeckonStack } from '../lib/beckon-stack.ts';

/** Where the zips are, relative to the template: in the package, and under this prefix in a bucket unless told otherwise. */
export const HANDLERS = 'handlers';

/**
 * Beckon's own stack as a template for those who have no CDK. A parameter names the bucket that the handlers have been copied to.
 * @param zips the names of the handlers' zip files, by the names of the handlers
 * @returns the template in JSON
 */
export function plainTemplate(zips: ReadonlyMap<string, string>, { search }: { readonly search: boolean }): string {
  const outdir = mkdtempSync(join(tmpdir(), 'beckon-template-'));
  try {
    // Nothing is bundled for it: the zips are there.
    const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:bundling-stacks': [] } });
    const stack = new BeckonStack(app, 'Beckon', {
      description: 'Beckon: messages to connected users over WebSocket',
      // The CDK's own synthesizers do not fit its interface either, where `undefined` is no value of an optional property.
      synthesizer: new BucketSynthesizer(zips) as StackSynthesizer as IStackSynthesizer,
      search,
    });
    app.synth();
    return readFileSync(join(outdir, stack.templateFile), 'utf8');
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Refers to code in a bucket of the reader's own; needs no bootstrap stack. */
class BucketSynthesizer extends StackSynthesizer {
  readonly #zips: ReadonlyMap<string, string>;
  #location: { readonly bucket: CfnParameter; readonly prefix: CfnParameter } | undefined;

  constructor(zips: ReadonlyMap<string, string>) {
    super();
    this.#zips = zips;
  }

  override bind(stack: Stack): void {
    super.bind(stack);
    this.#location = {
      bucket: new CfnParameter(stack, 'CodeBucket', {
        description: 'The bucket, in this region, that the handlers have been copied to',
      }),
      prefix: new CfnParameter(stack, 'CodePrefix', {
        description: 'What the keys of the handlers begin with there',
        default: `${HANDLERS}/`,
      }),
    };
  }

  override addFileAsset({ displayName = '' }: FileAssetSource): FileAssetLocation {
    const zip = this.#zips.get(displayName);
    if (zip === undefined || !this.#location) throw new Error(`no handler is called "${displayName}"`);
    const bucketName = this.#location.bucket.valueAsString;
    const objectKey = Fn.join('', [this.#location.prefix.valueAsString, zip]);
    const httpUrl = Fn.join('', ['https://', bucketName, '.s3.', Fn.ref('AWS::URLSuffix'), '/', objectKey]);
    return { bucketName, objectKey, httpUrl, s3ObjectUrl: Fn.join('', ['s3://', bucketName, '/', objectKey]) };
  }

  override addDockerImageAsset({ sourceHash }: DockerImageAssetSource): DockerImageAssetLocation {
    throw new Error(`a container image cannot be in a bucket: ${sourceHash}`);
  }

  override synthesize(session: ISynthesisSession): void {
    this.synthesizeTemplate(session);
    this.emitArtifact(session);
  }
}
