// Runs first, so it is plain JavaScript without dependencies. In a clone it runs `npm ci` when node_modules differs from
// package-lock.json. Otherwise it prints nothing and takes milliseconds. An installed package has no lock file: nothing to do.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../..');

const reason = whyInstall();
if (reason !== undefined) {
  process.stderr.write(`beckon: ${reason}; running "npm ci"…\n`);
  install();
}

/** @returns {string | undefined} the reason to install; undefined when the installation is complete */
function whyInstall() {
  const lockFile = join(root, 'package-lock.json');
  if (!existsSync(lockFile)) return undefined;
  const installedFile = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return 'the dependencies are not installed yet';
  const wanted = readPackages(lockFile);
  const installed = readPackages(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // npm leaves out optional packages for other platforms.
    if (found ? found.version !== entry.version || found.integrity !== entry.integrity : !isOptional(entry)) {
      return 'the lock file has changed since the dependencies were installed';
    }
  }
  return undefined;
}

function isOptional(entry) {
  return entry.optional === true || entry.devOptional === true;
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

function install() {
  // Under npm, npm_execpath is npm's own script. Node can run it even where "npm" is a shell script.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // npm writes to standard error: standard output is for the command.
  const { status, error } = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status === 0) return;
  process.stderr.write(
    `beckon: the installation failed${error ? `: ${error.message}` : '; npm prints the reason above'}\n`,
  );
  process.exit(1);
}
