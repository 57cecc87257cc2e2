import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Code } from './code.ts';
import { runtimeBundle } from './runtime-bundle.ts';
import { linkClients, linkSdk } from './runtime-packages.ts';
import { unpackZip } from './zip.ts';

/**
 * A temporary folder with the content of `/var` on AWS: each function's unpacked code, the runtime, and its AWS SDK. The
 * code is a copy away from its project, so neither that project's `node_modules` nor its `package.json` can make a function
 * work here that would fail on AWS.
 */
export interface TaskRoots {
  /** Returns the first script of an execution environment's thread. */
  bootstrapFile(): Promise<string>;
  /** Unpacks code. Returns its folder, the same for the same source. */
  unpack(code: Code): Promise<string>;
  /** Provides the packages of the SDK that unpacked code uses. Returns the names of missing ones. */
  provideClients(taskRoot: string, assetDirectory: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export function createTaskRoots(): TaskRoots {
  let root: Promise<string> | undefined;
  const unpacked = new Map<string, Promise<string>>();
  let count = 0;
  const base = () => {
    root ??= createRoot();
    return root;
  };
  const nextFolder = async () => path.join(await base(), 'task', String(count++));
  return {
    bootstrapFile: async () => path.join(await base(), 'bootstrap.cjs'),
    async unpack(code) {
      if (code.kind === 'inline') return unpackInline(code.source, await nextFolder());
      const source = code.kind === 'zip' ? code.file : code.folder;
      const known = unpacked.get(source) ?? nextFolder().then((target) => unpackSource(code, target));
      unpacked.set(source, known);
      return known;
    },
    provideClients: async (taskRoot, assetDirectory) =>
      linkClients(path.join(await base(), 'node_modules'), taskRoot, assetDirectory),
    async close() {
      if (root !== undefined) await rm(await root, { recursive: true, force: true });
    },
  };
}

async function createRoot(): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'local-lambda-'));
  await writeFile(path.join(root, 'bootstrap.cjs'), runtimeBundle());
  await writeFile(path.join(root, 'package.json'), '{}');
  await linkSdk(path.join(root, 'node_modules'));
  return root;
}

/** "The index file that CloudFormation creates uses the extension .js" (the reference of `AWS::Lambda::Function` Code). */
async function unpackInline(source: string, target: string): Promise<string> {
  await mkdir(target, { recursive: true });
  await writeFile(path.join(target, 'index.js'), source);
  return target;
}

async function unpackSource(code: Exclude<Code, { kind: 'inline' }>, target: string): Promise<string> {
  if (code.kind === 'zip') await unpackZip(code.file, target);
  else await cp(code.folder, target, { recursive: true, verbatimSymlinks: true });
  return target;
}
