import { USAGE, UsageError } from './usage.ts';

/** Each command loads its module when it runs: `beckon token` does not need the local cloud. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  start: async (args) => (await import('./start.ts')).start(args),
  local: async (args) => (await import('./local.ts')).local(args),
  token: async (args) => (await import('./token.ts')).token(args),
  disconnect: async (args) => (await import('./manage.ts')).disconnect(args),
  revoke: async (args) => (await import('./manage.ts')).revoke(args),
  forget: async (args) => (await import('./manage.ts')).forget(args),
  block: async (args) => (await import('./manage.ts')).block(args),
  unblock: async (args) => (await import('./manage.ts')).unblock(args),
  blocked: async (args) => (await import('./manage.ts')).blocked(args),
};

async function main([name = '--help', ...args]: readonly string[]): Promise<void> {
  if (['--help', '-h', 'help'].includes(name) || args.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`there is no command "${name}"`);
  await command(args);
}

/** Names the package to install, when a command fails because the package is missing. */
function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  const [, name] = (code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package '([^']+)'/.exec(message)) || [];
  return name === undefined
    ? undefined
    : `this command needs the package ${name}; install it: npm install --save-dev ${name}`;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const message = missingPackage(error) ?? (error instanceof Error ? error.message : String(error));
  process.stderr.write(`beckon: ${message}\n${error instanceof UsageError ? `\n${USAGE}` : ''}`);
  process.exit(error instanceof UsageError ? 2 : 1);
});
