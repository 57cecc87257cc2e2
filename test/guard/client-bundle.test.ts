import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page downloads for the client, minified and gzipped (design, section 8). */
const MAX_GZIPPED_BYTES = 12 * 1024;

const bundle = await build({
  entryPoints: ['client/index.ts'],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  metafile: true,
  write: false,
});

it('the client stays within its bytes', () => {
  const [file] = bundle.outputFiles;
  expect(gzipSync(file?.contents ?? '', { level: 9 }).length).toBeGreaterThan(1_000);
  expect(gzipSync(file?.contents ?? '', { level: 9 }).length).toBeLessThanOrEqual(MAX_GZIPPED_BYTES);
});

it('the client is made of its own code and the protocol, without the schemas', () => {
  const inputs = Object.keys(bundle.metafile.inputs);
  expect(inputs).toContain('client/index.ts');
  expect(inputs.filter((path) => !/^(client|protocol)\//.test(path))).toEqual([]);
  const imports = Object.values(bundle.metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => /^node:|aws-sdk/.test(path))).toEqual([]);
});
