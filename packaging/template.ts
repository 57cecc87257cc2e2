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

/** The folder of the zips beside the template, and their default prefix in a bucket. */
export const HANDLERS = 'handlers';

/**
 * Synthesizes Beckon's stack as a template for users without the CDK. A parameter names the bucket with the handlers.
 * @param zips The file name of each handler's zip, by handler.
 * @returns the template as JSON
 */
export function plainTemplate(zips: ReadonlyMap<string, string>, { search }: { readonly search: boolean }): string {
  const outdir = mkdtempSync(join(tmpdir(), 'beckon-template-'));
  try {
    // The CDK must not bundle: the zips exist already.
    const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:bundling-stacks': [] } });
    const stack = new BeckonStack(app, 'Beckon', {
      description: 'Beckon: messages to connected users over WebSocket',
      // The CDK's own synthesizers do not match this interface either, under `exactOptionalPropertyTypes`.
      synthesizer: new BucketSynthesizer(zips) as StackSynthesizer as IStackSynthesizer,
      search,
    });
    app.synth();
    return readFileSync(join(outdir, stack.templateFile), 'utf8');
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Refers to code in the user's own bucket. It needs no bootstrap stack. */
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
    if (zip === undefined || !this.#location) throw new Error(`there is no handler named "${displayName}"`);
    const bucketName = this.#location.bucket.valueAsString;
    const objectKey = Fn.join('', [this.#location.prefix.valueAsString, zip]);
    const httpUrl = Fn.join('', ['https://', bucketName, '.s3.', Fn.ref('AWS::URLSuffix'), '/', objectKey]);
    return { bucketName, objectKey, httpUrl, s3ObjectUrl: Fn.join('', ['s3://', bucketName, '/', objectKey]) };
  }

  override addDockerImageAsset({ sourceHash }: DockerImageAssetSource): DockerImageAssetLocation {
    throw new Error(`the template supports no container image: ${sourceHash}`);
  }

  override synthesize(session: ISynthesisSession): void {
    this.synthesizeTemplate(session);
    this.emitArtifact(session);
  }
}
