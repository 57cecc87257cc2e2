import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

const ALLOWED = [
  ['protocol/planted.ts', 'valibot'],
  ['client/planted.ts', '../protocol/index.ts'],
  ['client/rooms/planted.ts', '../connection/session.ts'],
  ['client/rooms/planted.ts', '../../protocol/index.ts'],
  ['client/encoding/inflate.ts', 'fflate'],
  ['client/react/planted.ts', '../index.ts'],
  ['client/react/planted.ts', '../stores/conversation.ts'],
  ['client/react/planted.ts', 'react'],
  ['server/planted.ts', '../protocol/index.ts'],
  ['server/planted.ts', './sending/send.ts'],
  ['server/sending/planted.ts', './send.ts'],
  ['server/sending/planted.ts', '../config.ts'],
  ['server/sending/planted.ts', '../connections/directory.ts'],
  ['server/sending/planted.ts', '../../protocol/index.ts'],
  ['server/sending/planted.ts', 'node:zlib'],
  ['server/auth/planted.ts', 'jose'],
  ['server/aws/planted.ts', '@aws-sdk/client-dynamodb'],
  ['server/aws/planted.ts', '../config.ts'],
  ['server/aws/planted.ts', '../sending/send.ts'],
  ['server/aws/planted.ts', '../../protocol/index.ts'],
  ['server/index.ts', './aws/index.ts'],
  ['lambdas/planted.ts', '../server/aws/index.ts'],
  ['lib/planted.ts', '../server/config.ts'],
  ['lib/planted.ts', 'aws-cdk-lib/aws-lambda'],
  ['local/apigateway/planted.ts', '../clock.ts'],
  ['cli/planted.ts', '../local/index.ts'],
  ['testing/planted.ts', '../client/index.ts'],
  ['testing/planted.ts', '../server/sending/send.ts'],
  ['testing/memory/planted.ts', '../runtime.ts'],
  ['testing/memory/planted.ts', '../../server/sending/message-log.ts'],
  ['examples/chat/planted.ts', '../../client/index.ts'],
] as const;

const FORBIDDEN = [
  ['protocol/planted.ts', '../server/address.ts'],
  ['protocol/planted.ts', 'node:fs'],
  ['client/planted.ts', '../server/index.ts'],
  ['client/rooms/planted.ts', '../../server/index.ts'],
  ['client/rooms/planted.ts', 'node:events'],
  ['client/planted.ts', 'node:events'],
  ['client/planted.ts', '@aws-sdk/client-dynamodb'],
  ['client/planted.ts', 'react'],
  ['client/planted.ts', 'fflate'],
  ['client/react/planted.ts', 'react-dom'],
  ['client/react/planted.ts', '../client.ts'],
  ['client/react/planted.ts', '../stores/store.ts'],
  ['server/planted.ts', '@aws-sdk/client-dynamodb'],
  ['server/planted.ts', './aws/index.ts'],
  ['server/planted.ts', '../client/index.ts'],
  ['server/planted.ts', 'valibot'],
  ['server/sending/planted.ts', '@aws-sdk/client-dynamodb'],
  ['server/sending/planted.ts', '@smithy/node-http-handler'],
  ['server/sending/planted.ts', '../aws/index.ts'],
  ['server/sending/planted.ts', '../index.ts'],
  ['server/sending/planted.ts', '../../client/index.ts'],
  ['server/sending/planted.ts', '../../lambdas/send.ts'],
  ['server/sending/planted.ts', '../../../protocol/index.ts'],
  ['server/sending/planted.ts', 'valibot'],
  ['server/aws/planted.ts', 'aws-cdk-lib'],
  ['server/aws/planted.ts', '../../client/index.ts'],
  ['server/aws/planted.ts', '../../lib/beckon.ts'],
  ['lambdas/planted.ts', '@aws-sdk/client-dynamodb'],
  ['lambdas/planted.ts', '../lib/beckon.ts'],
  ['lib/planted.ts', '../server/sending/send.ts'],
  ['lib/planted.ts', '../lambdas/send.ts'],
  ['local/planted.ts', '../server/config.ts'],
  ['local/apigateway/planted.ts', '../../protocol/index.ts'],
  ['local/planted.ts', 'beckon/server'],
  ['cli/planted.ts', '../lib/app.ts'],
  ['testing/planted.ts', '../server/aws/index.ts'],
  ['testing/planted.ts', '../server/index.ts'],
  ['testing/planted.ts', '../client/core.ts'],
  ['testing/planted.ts', '../local/index.ts'],
  ['testing/planted.ts', 'vitest'],
  ['testing/memory/planted.ts', '../../server/aws/index.ts'],
  ['testing/memory/planted.ts', '../../client/index.ts'],
  ['examples/chat/planted.ts', '../../protocol/index.ts'],
] as const;

let tree: string;
let refused: ReadonlySet<string>;

/** Lints all planted imports at once, each in a file of its own, with the project's rules. */
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'beckon-imports-'));
  cpSync(join(ROOT, 'biome.json'), join(tree, 'biome.json'));
  for (const [file, specifier] of [...ALLOWED, ...FORBIDDEN]) {
    const planted = join(tree, plantedName(file, specifier));
    mkdirSync(dirname(planted), { recursive: true });
    writeFileSync(planted, `import '${specifier}';\n`);
  }
  const biome = join(ROOT, 'node_modules/.bin/biome');
  const options = [
    'lint',
    '--only=style/noRestrictedImports',
    '--vcs-enabled=false',
    '--reporter=json',
    '--max-diagnostics=none',
  ];
  const { stdout, error } = spawnSync(biome, options, { cwd: tree, encoding: 'utf8' });
  if (error) throw error;
  refused = new Set(
    JSON.parse(stdout).diagnostics.map(({ location }: { location: { path: string | { file: string } } }) =>
      typeof location.path === 'string' ? location.path : location.path.file,
    ),
  );
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

function plantedName(file: string, specifier: string): string {
  return file.replace('planted', `planted-${specifier.replaceAll(/[^a-z.]+/g, '-')}`);
}

test.each(ALLOWED)('%s may import %s', (file, specifier) => {
  expect(refused).not.toContain(plantedName(file, specifier));
});

test.each(FORBIDDEN)('%s may not import %s', (file, specifier) => {
  expect(refused).toContain(plantedName(file, specifier));
});
