import { cpSync } from 'node:fs';
import { extname, join } from 'node:path';
import { AssetHashType, DockerImage, Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  CachePolicy,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  PriceClass,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { type IRole, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { acceptFinding, type Finding } from './accept-finding.ts';

const PAGE = join(import.meta.dirname, '..', 'examples', 'chat');

/** The extensions of files that only the build needs. */
const SOURCES = ['.ts', '.json'];

export interface DemoPageProps {
  /** The URL that the page connects to. Its headers allow no other address but its own. */
  readonly webSocketUrl: string;
}

/**
 * The page of `examples/chat` on CloudFront. Only CloudFront can read its bucket. Visitors paste a token of their own.
 * Deleting the stack deletes the page.
 */
export class DemoPage extends Construct {
  /** `https://….cloudfront.net`. Allow it to connect: `beckon.allowOrigin(page.origin)`. */
  readonly origin: string;

  constructor(scope: Construct, id: string, { webSocketUrl }: DemoPageProps) {
    super(scope, id);
    const bucket = new Bucket(this, 'Files', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
    }) as IBucket;
    const distribution = new Distribution(this, 'Distribution', {
      comment: 'Demo page of Beckon',
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(bucket),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        responseHeadersPolicy: securityHeaders(this, webSocketUrl),
        // Without a cache a new version is there at once. IAM cannot limit the permission to invalidate to one distribution.
        cachePolicy: CachePolicy.CACHING_DISABLED,
      },
    });
    this.origin = `https://${distribution.domainName}`;
    const page = bundle(this);
    const { handlerRole } = new BucketDeployment(this, 'Content', {
      destinationBucket: bucket,
      sources: [
        Source.bucket(page.bucket, page.s3ObjectKey),
        Source.jsonData('config.json', { websocketUrl: webSocketUrl }),
      ],
      // CloudFormation cannot delete a bucket with objects in it.
      retainOnDelete: false,
    });
    acceptPage(bucket, distribution);
    acceptDeployment(handlerRole, [page.bucket, bucket]);
  }
}

/** The page loads only its own files, talks only to itself and Beckon, and no other page can frame it. */
function securityHeaders(scope: Construct, webSocketUrl: string): ResponseHeadersPolicy {
  const contentSecurityPolicy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${webSocketUrl}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return new ResponseHeadersPolicy(scope, 'Headers', {
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy, override: true },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
      strictTransportSecurity: { accessControlMaxAge: Duration.days(365), override: true },
    },
  });
}

function bundle(scope: Construct): Asset {
  return new Asset(scope, 'Page', {
    path: PAGE,
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // The CDK wants an image. It never runs.
      image: DockerImage.fromRegistry('unused'),
      local: {
        tryBundle(outputDirectory) {
          cpSync(PAGE, outputDirectory, { recursive: true, filter: (path) => !SOURCES.includes(extname(path)) });
          buildSync({
            entryPoints: [join(PAGE, 'main.ts')],
            outfile: join(outputDirectory, 'main.js'),
            bundle: true,
            minify: true,
            format: 'esm',
            target: 'es2022',
            logLevel: 'error',
          });
          return true;
        },
      },
    },
  });
}

function acceptPage(bucket: IBucket, distribution: Distribution): void {
  acceptFinding(bucket.node.findChild('Resource'), {
    rule: 'AwsSolutions-S1',
    reason: 'The files are public, only CloudFront can read the bucket, and a demo page needs no log of its readers.',
  });
  const findings: readonly Finding[] = [
    {
      rule: 'AwsSolutions-CFR1',
      reason: 'A demo page is for visitors of every country. Its operator can restrict it.',
    },
    {
      rule: 'AwsSolutions-CFR2',
      reason: 'The files are static: a firewall has nothing to protect.',
    },
    {
      rule: 'AwsSolutions-CFR3',
      reason: 'A demo page needs no log of its readers. The access log of the API has all who connect.',
    },
    {
      rule: 'AwsSolutions-CFR4',
      reason: 'A minimum TLS version needs a certificate, and a demo page has none. Browsers use 1.2 or newer.',
    },
  ];
  for (const finding of findings) acceptFinding(distribution.node.findChild('Resource'), finding);
}

/** The CDK's own function copies the files into the bucket, with the permissions that the CDK gives it. */
function acceptDeployment(role: IRole, buckets: readonly IBucket[]): void {
  const reason = 'The function is the CDK’s own. It runs only during a deployment, and reaches these buckets alone.';
  acceptFinding(role.node.findChild('Resource'), {
    rule: 'AwsSolutions-IAM4',
    about: {
      kind: 'Policy',
      value: ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaBasicExecutionRole').managedPolicyArn,
    },
    reason,
  });
  const wildcards = [
    ...['s3:GetObject*', 's3:GetBucket*', 's3:List*', 's3:DeleteObject*', 's3:Abort*'].map(
      (value) => ({ kind: 'Action', value }) as const,
    ),
    ...buckets.map((bucket) => ({ kind: 'Resource', value: bucket.arnForObjects('*') }) as const),
  ];
  for (const about of wildcards) {
    acceptFinding(role.node.findChild('DefaultPolicy'), { rule: 'AwsSolutions-IAM5', about, reason });
  }
  const copier = role.node.scope?.node.tryFindChild('Resource');
  if (copier) acceptFinding(copier, { rule: 'AwsSolutions-L1', reason });
}
