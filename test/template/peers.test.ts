import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Beckon } from '../../lib/beckon.ts';
import { requirePeers } from '../../lib/peers.ts';

// The app brings the CDK. It may be missing, too old, or there in two copies.

const ROOT = join(import.meta.dirname, '../..');
const IDENTITY = { issuer: 'https://login.example/', audience: 'beckon' };
const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const oldest = String(peerDependencies['aws-cdk-lib']).replace('^', '');

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'beckon-peers-'));
});
afterEach(() => rmSync(project, { recursive: true }));

function install(name: string, version: string): void {
  const folder = join(project, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version }));
}

describe('the packages that the app brings', () => {
  const check = () => requirePeers(join(project, 'index.js'));

  test.each([oldest, '2.1000.0'])('aws-cdk-lib %s is accepted', (version) => {
    install('aws-cdk-lib', version);
    install('constructs', '10.8.1');
    expect(check).not.toThrow();
  });

  test.each(['2.189.1', '2.19.0', '1.204.0', '3.0.0'])('aws-cdk-lib %s is refused, with what to install', (version) => {
    install('aws-cdk-lib', version);
    install('constructs', '10.8.1');
    const folder = join(project, 'node_modules/aws-cdk-lib');
    expect(check).toThrow(
      `beckon/constructs needs aws-cdk-lib 2, from ${oldest} on, and ${folder} is ${version}. Run: npm install aws-cdk-lib@2`,
    );
  });

  test('a constructs of another major version is refused', () => {
    install('aws-cdk-lib', oldest);
    install('constructs', '3.4.344');
    expect(check).toThrow('beckon/constructs needs constructs 10, from 10.0.0 on, and ');
  });

  test('a missing package is named before anything needs it', () => {
    buildSync({
      entryPoints: [join(ROOT, 'lib/beckon.ts')],
      outfile: join(project, 'dist/constructs.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['aws-cdk-lib', 'constructs'],
      define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename', 'import.meta.url': '""' },
      logLevel: 'error',
    });
    writeFileSync(join(project, 'package.json'), JSON.stringify({ peerDependencies }));
    const { stderr } = spawnSync(process.execPath, [join(project, 'dist/constructs.cjs')], { encoding: 'utf8' });
    expect(stderr).toContain(
      'Error: beckon/constructs needs aws-cdk-lib, which is not installed. Run: npm install aws-cdk-lib constructs',
    );
  });

  test.each(['README.md', 'docs/deploy.md'])('%s names the oldest CDK that package.json allows', (document) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const versions = Array.from(text.matchAll(/aws-cdk-lib\W+(\d+\.\d+\.\d+)/g), ([, version]) => version);
    expect(new Set(versions)).toEqual(new Set([oldest]));
  });
});

describe('with two copies', () => {
  test('of constructs, the scope is refused, with how to get down to one', () => {
    const copy = join(project, 'node_modules/constructs');
    cpSync(join(ROOT, 'node_modules/constructs'), copy, { recursive: true });
    const { RootConstruct } = createRequire(join(project, 'index.js'))('constructs');
    expect(() => new Beckon(new RootConstruct() as Construct, 'Beckon', IDENTITY)).toThrow(
      /^The scope of Beckon belongs to another copy of the package "constructs" than the one that Beckon uses \(.*\)\. "npm ls/,
    );
  });

  test('of the CDK, Beckon takes no more of a key, a certificate and a zone than all copies have', () => {
    const stack = new Stack(undefined, 'Mine', { env: { region: 'eu-west-1' } });
    const certificateArn = 'arn:aws:acm:eu-west-1:1:certificate/c';
    const keyArn = 'arn:aws:kms:eu-west-1:1:key/k';
    new Beckon(stack, 'Beckon', {
      ...IDENTITY,
      encryptionKey: { keyArn, addToResourcePolicy: () => undefined },
      domain: {
        domainName: 'ws.example.com',
        certificate: { certificateArn },
        hostedZone: { hostedZoneId: 'Z1', zoneName: 'example.com' },
      },
    });
    const template = Template.fromStack(stack);
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: keyArn });
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: keyArn });
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainNameConfigurations: [{ CertificateArn: certificateArn }],
    });
    template.hasResourceProperties('AWS::Route53::RecordSet', { HostedZoneId: 'Z1' });
  });

  test('of the CDK, a metric takes a period of either', () => {
    const beckon = new Beckon(new Stack(), 'Beckon', IDENTITY);
    expect(beckon.metric('Errors', { period: { toSeconds: () => 60 } }).period.toSeconds()).toBe(60);
    expect(beckon.metric('Errors').period.toSeconds()).toBe(300);
  });
});
