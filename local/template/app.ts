import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { readJsonFile } from '../json.ts';
import { loadAssembly } from './assembly.ts';
import type { Stack } from './stack.ts';

/**
 * Loads the stacks of an application, each after its dependencies. `path` is a folder that `cdk synth` wrote, a folder
 * with a `template.json`, or a CloudFormation template in JSON.
 */
export function loadApp(path: string): readonly Stack[] {
  const location = resolve(path);
  if (!existsSync(location))
    throw new Error(`the app ${location} does not exist; run "cdk synth" first, or name a template file`);
  if (!statSync(location).isDirectory()) return [loadTemplateFile(location)];
  if (existsSync(join(location, 'manifest.json'))) return loadAssembly(location);
  const template = join(location, 'template.json');
  if (existsSync(template)) return [loadTemplateFile(template)];
  throw new Error(`${location} has neither a manifest.json (as cdk.out has) nor a template.json`);
}

/** The stack has the name of its file, or of its folder if the file is `template.json`. */
function loadTemplateFile(file: string): Stack {
  const directory = dirname(file);
  const fileName = basename(file, extname(file)).replace(/\.template$/, '');
  const name = (fileName === 'template' ? basename(directory) : fileName).replace(/[^A-Za-z0-9-]/g, '-');
  return { name, document: readJsonFile(file), assetDirectory: directory, assets: new Map() };
}
