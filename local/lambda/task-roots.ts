import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Code } from './code.ts';
import { runtimeBundle } from './runtime-bundle.ts';

/** The packages that AWS's runtime brings, in `/var/runtime/node_modules`. */
const RUNTIME_PACKAGES = ['@aws-sdk', '@smithy'];

/**
 * A temporary folder with what AWS has under `/var`: each function's unpacked code, the runtime, and the AWS SDK that it
 * brings. The code is a copy, away from the project it comes from: so neither that project's `node_modules` nor its
 * `package.json` can make a function work here that would fail on AWS.
 */
export interface TaskRoots {
  /** The script that an execution environment's thread starts with. */
  bootstrapFile(): Promise<string>;
  /** Unpacks code and gives its folder, the same for the same source folder. */
  unpack(code: Code): Promise<string>;
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
      const known = unpacked.get(code.folder) ?? nextFolder().then((target) => unpackFolder(code.folder, target));
      unpacked.set(code.folder, known);
      return known;
    },
    async close() {
      if (root !== undefined) await rm(await root, { recursive: true, force: true });
    },
  };
}

async function createRoot(): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'local-lambda-'));
  await writeFile(path.join(root, 'bootstrap.cjs'), runtimeBundle());
  await writeFile(path.join(root, 'package.json'), '{}');
  const packages = path.join(root, 'node_modules');
  await mkdir(packages);
  for (const name of RUNTIME_PACKAGES) {
    const installed = installedFolder(name);
    if (installed) await symlink(installed, path.join(packages, name), 'junction');
  }
  return root;
}

/** Where the local cloud itself would find the packages of a scope. */
function installedFolder(scope: string): string | undefined {
  const candidates = createRequire(import.meta.url).resolve.paths(scope) ?? [];
  return candidates.map((folder) => path.join(folder, scope)).find((folder) => existsSync(folder));
}

/** "The index file that CloudFormation creates uses the extension .js" (the reference of `AWS::Lambda::Function` Code). */
async function unpackInline(source: string, target: string): Promise<string> {
  await mkdir(target, { recursive: true });
  await writeFile(path.join(target, 'index.js'), source);
  return target;
}

async function unpackFolder(folder: string, target: string): Promise<string> {
  await cp(folder, target, { recursive: true, verbatimSymlinks: true });
  return target;
}
