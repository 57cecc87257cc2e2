// Runs before everything else, so it may use nothing that has to be installed: plain JavaScript, no dependencies.
// In a clone, installs what package-lock.json lists, if node_modules does not hold just that; otherwise it is silent and
// fast. Where the package is a dependency itself, there is no lock file and nothing to do.

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

/** @returns {string | undefined} why an installation is needed; nothing when it is complete */
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
    // What is optional is left out where it does not fit the machine.
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
  // Under npm, npm_execpath is its script: that works where "npm" is a shell script, too.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // Standard output belongs to the command that follows.
  const { status, error } = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status === 0) return;
  process.stderr.write(`beckon: the installation failed${error ? `: ${error.message}` : '; npm says why above'}\n`);
  process.exit(1);
}
