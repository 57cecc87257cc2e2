import { describe, expect, test } from 'vitest';
import { local } from '../../../cli/local.ts';
import { start } from '../../../cli/start.ts';
import { token } from '../../../cli/token.ts';
import { UsageError } from '../../../cli/usage.ts';

const commands = { start, local, token };

describe('a mistyped command line is refused with the mistake', () => {
  test.each<[keyof typeof commands, string[], string]>([
    ['start', ['--prot', '4600'], "Unknown option '--prot'"],
    ['start', ['now'], 'start does not take "now"'],
    ['start', ['--port', 'x'], '--port takes a number, got "x"'],
    ['start', ['--port'], "Option '--port <value>' argument missing"],
    ['start', ['--time-scale', ''], '--time-scale takes a number, got ""'],
    ['local', ['--quota', 'concurrentExecutions=ten'], '--quota concurrentExecutions takes a number, got "ten"'],
    ['start', ['--memory', '--data', 'x'], 'give either --memory or --data'],
    ['start', ['--memory=yes'], "Option '--memory' does not take an argument"],
    ['start', ['--faults', '/nowhere.json'], '--faults: cannot read /nowhere.json: ENOENT'],
    ['local', ['--no-open', '--app', 'x'], "Unknown option '--no-open'"],
    ['local', ['--app', 'x', '--parameter', 'Name'], '--parameter takes NAME=VALUE, got "Name"'],
    ['local', ['--app', 'x', '--parameter', '=v'], '--parameter takes NAME=VALUE, got "=v"'],
    ['token', [], 'token takes one user'],
    ['token', ['bob', 'alice'], 'token takes one user'],
    ['token', ['bob', '--url', 'here'], '--url takes an address such as http://127.0.0.1:4600, got "here"'],
    ['token', ['bob', '--claim', 'x'], '--claim takes NAME=VALUE, got "x"'],
  ])('%s %j', async (command, args, message) => {
    const error = await commands[command](args).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toContain(message);
  });
});

test('token tells how to start a local cloud when none answers', async () => {
  await expect(token(['bob', '--url', 'http://127.0.0.1:1'])).rejects.toThrow(
    'no local cloud answers at http://127.0.0.1:1; start one with "npm start"',
  );
});
