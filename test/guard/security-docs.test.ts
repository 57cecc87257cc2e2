/** What a security review reads names tests that exist, and limits that are in force. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as limits from '../../protocol/limits.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const PAGES = ['SECURITY.md', 'docs/security.md', 'docs/deploy.md', 'docs/protocol.md'];

test.each(PAGES)('%s names only files that exist', (file) => {
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
    `| How large? | ${limits.MAX_TOKEN_LENGTH.toLocaleString('en')} characters. |`,
  ]) {
    expect(text).toContain(row);
  }
  expect(limits.MAX_ROOM_NAME_LENGTH).toBe(limits.MAX_USER_ID_LENGTH);
});

test('docs/deploy.md names options that the construct has', () => {
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
  ]) {
    expect(declared, option).toMatch(new RegExp(`readonly ${option}\\??:`));
    expect(text, option).toContain(option);
  }
});
