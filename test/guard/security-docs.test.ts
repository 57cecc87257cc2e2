/** The documents for a security review name existing tests and current limits. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CLIENT_FRAMES } from '../../protocol/index.ts';
import * as limits from '../../protocol/limits.ts';
import { MAX_CAPABILITY_BYTES } from '../../server/auth/capability.ts';
import { DEFAULT_INBOX_LIMIT } from '../../server/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const PAGES = ['SECURITY.md', 'docs/security.md', 'docs/deploy.md', 'docs/protocol.md'];

test.each(PAGES)('%s names only existing files', (file) => {
  const text = read(file);
  const named = [...text.matchAll(/`((?:test|docs|lib|protocol|server|examples)\/[\w./-]+)`/g)].map(
    ([, path]) => path ?? '',
  );
  const linked = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path]) => join(file, '..', path ?? ''));
  expect(named.length).toBeGreaterThan(0);
  expect([...named, ...linked].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('docs/security.md has the limits of the code', () => {
  const text = read('docs/security.md');
  const perMessage = `${limits.MAX_MESSAGES_PER_FRAME}, ${limits.MAX_USERS_PER_MESSAGE}`;
  for (const row of [
    `| frame | ${limits.MAX_FRAME_BYTES / 1024} KB |`,
    `| data of a message | ${limits.MAX_DATA_BYTES / 1024} KB |`,
    `| messages in a frame, recipients of a message | ${perMessage} |`,
    `| id of a user, name of a room | ${limits.MAX_USER_ID_LENGTH} characters |`,
    `| nesting of data | ${limits.MAX_DATA_DEPTH} deep |`,
    `| id of a message or a frame, name of an encoding | ${limits.MAX_ID_LENGTH} characters |`,
    `| rooms, and watched users and rooms, of a connection | ${limits.MAX_ROOMS}, ${limits.MAX_WATCHES} |`,
    `| users in a \`presence\` frame | ${limits.MAX_USERS_PER_PRESENCE} |`,
    `| conversations in a \`mark\` or \`unread\` frame | ${limits.MAX_CONVERSATIONS_PER_FRAME} |`,
    `| users that one has blocked | ${limits.MAX_BLOCKED_USERS.toLocaleString('en')} |`,
    `| ${DEFAULT_INBOX_LIMIT.maxMessages} messages, ${DEFAULT_INBOX_LIMIT.maxBytes / 1024 ** 2} MB (\`inbox\`) |`,
    `| messages of a page | ${limits.MAX_PAGE_MESSAGES} |`,
    `| what a \`ping\` says was shown | ${limits.MAX_SHOWN_MESSAGES} messages, ${limits.MAX_SHOWN_BYTES / 1024} KB |`,
    `| text to search for | ${limits.MAX_SEARCH_LENGTH} characters, ${limits.MAX_SEARCH_WORDS} words |`,
    `| capability | ${MAX_CAPABILITY_BYTES.toLocaleString('en')} bytes |`,
    `| How large? | ${limits.MAX_TOKEN_LENGTH.toLocaleString('en')} characters. |`,
  ]) {
    expect(text).toContain(row);
  }
  expect(limits.MAX_ROOM_NAME_LENGTH).toBe(limits.MAX_USER_ID_LENGTH);
  expect(limits.MAX_ENCODING_LENGTH).toBe(limits.MAX_ID_LENGTH);
});

test('docs/deploy.md names only options of the construct', () => {
  const declared = read('lib/beckon-props.ts') + read('lib/beckon-stack.ts');
  const text = read('docs/deploy.md');
  for (const option of [
    'issuer',
    'otherIssuers',
    'audienceClaim',
    'jwksUrl',
    'sharedSecret',
    'mode',
    'encryptionKey',
    'search',
    'inbox',
    'retention',
  ]) {
    expect(declared, option).toMatch(new RegExp(`readonly ${option}\\??:`));
    expect(text, option).toContain(option);
  }
});

test('docs/deploy.md names every function, apart from those of the actions', () => {
  const functions = readdirSync(join(ROOT, 'lambdas')).map((file) => file.replace(/\.ts$/, ''));
  const text = read('docs/deploy.md');
  const others = functions.filter((name) => !(name in CLIENT_FRAMES));
  expect(others.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  expect(functions).toEqual(expect.arrayContaining(Object.keys(CLIENT_FRAMES)));
});
