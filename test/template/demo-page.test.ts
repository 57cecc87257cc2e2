import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { BeckonStack } from '../../lib/beckon-stack.ts';

let app: App;
let template: Template;

beforeAll(() => {
  app = new App();
  template = Template.fromStack(new BeckonStack(app, 'WithPage', { demo: true }));
});

test('a stack has a page only if the app asks for it', () => {
  const without = Template.fromStack(new BeckonStack(new App(), 'Without'));
  without.resourceCountIs('AWS::CloudFront::Distribution', 0);
  without.resourceCountIs('AWS::S3::Bucket', 0);
  without.resourceCountIs('Custom::CDKBucketDeployment', 0);
  template.resourceCountIs('AWS::CloudFront::Distribution', 1);
});

test('only CloudFront reads the bucket, for this distribution and over TLS', () => {
  template.hasResourceProperties('AWS::S3::Bucket', {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    BucketEncryption: Match.anyValue(),
  });
  template.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        Match.objectLike({
          Action: 's3:GetObject',
          Principal: { Service: 'cloudfront.amazonaws.com' },
          Condition: { StringEquals: { 'AWS:SourceArn': Match.anyValue() } },
        }),
      ]),
    },
  });
  template.hasResourceProperties('AWS::CloudFront::OriginAccessControl', {
    OriginAccessControlConfig: { SigningBehavior: 'always', SigningProtocol: 'sigv4' },
  });
});

test('the page comes over TLS, with headers that limit it to this API and forbid frames', () => {
  template.hasResourceProperties('AWS::CloudFront::Distribution', {
    DistributionConfig: {
      DefaultRootObject: 'index.html',
      DefaultCacheBehavior: { ViewerProtocolPolicy: 'redirect-to-https', ResponseHeadersPolicyId: Match.anyValue() },
    },
  });
  const [policy] = Object.values(template.findResources('AWS::CloudFront::ResponseHeadersPolicy'));
  const headers = policy?.['Properties'].ResponseHeadersPolicyConfig.SecurityHeadersConfig;
  const csp: string = headers.ContentSecurityPolicy.ContentSecurityPolicy['Fn::Join'][1]
    .map((part: string | { Ref: string }) => (typeof part === 'string' ? part : `<${part.Ref}>`))
    .join('');
  expect(csp.split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    expect.stringMatching(
      /^connect-src 'self' wss:\/\/<BeckonGatewayApi\w+>\.execute-api\.<AWS::Region>\.[^ ]+\/prod$/,
    ),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(headers).toMatchObject({
    ContentTypeOptions: { Override: true },
    FrameOptions: { FrameOption: 'DENY' },
    ReferrerPolicy: { ReferrerPolicy: 'no-referrer' },
    StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000 },
  });
});

test('the page may connect, besides the origins of the parameter', () => {
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: {
      Variables: {
        BECKON_ALLOWED_ORIGINS: {
          'Fn::Join': [
            '',
            [
              { 'Fn::Join': [',', { Ref: 'AllowedOrigins' }] },
              ',https://',
              { 'Fn::GetAtt': [Match.stringLikeRegexp('^DemoPageDistribution'), 'DomainName'] },
            ],
          ],
        },
      },
    },
  });
  expect(Object.keys(template.findOutputs('PageUrl'))).toEqual(['PageUrl']);
});

test('the bucket gets the built page, without sources', () => {
  const assets = readdirSync(app.outdir).map((name) => join(app.outdir, name));
  const page = assets.find((path) => /asset\.\w+$/.test(path) && readdirSync(path).includes('index.html')) ?? '';
  const files = readdirSync(page);
  expect(files.filter((name) => /\.(ts|json|map)$/.test(name))).toEqual([]);
  const html = readFileSync(join(page, 'index.html'), 'utf8');
  const named = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, name = '']) => name);
  expect(named).toContain('main.js');
  expect(files).toEqual(expect.arrayContaining(named));
  expect(readFileSync(join(page, 'main.js'), 'utf8')).not.toMatch(/from ?["']\./);
});
