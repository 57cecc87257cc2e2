/** Documents and docstrings state the defaults and limits that the code has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import {
  DEFAULT_SIZE_LIMITS,
  HEARTBEAT_SECONDS,
  MAX_ROOMS,
  MAX_SHOWN_BYTES,
  MAX_SHOWN_MESSAGES,
  MAX_USERS_PER_MESSAGE,
  MAX_USERS_PER_PRESENCE,
  OVERLAP_MS,
  RATE_BURST,
  RATE_PER_SECOND,
} from '../../protocol/limits.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../../server/auth/revocations.ts';
import { DEFAULT_INBOX_LIMIT, ENV } from '../../server/config.ts';
import { CONNECTION_LIFE_SECONDS, IDLE_SECONDS } from '../../server/connections/directory.ts';
import { ABSENCE_SECONDS } from '../../server/presence/presence-state.ts';
import { MAX_INDEXED_WORDS } from '../../server/search/indexing.ts';
import { MAX_DIRECT_CONNECTIONS } from '../../server/sending/fan-out.ts';
import { MAX_FIND_ENTRIES } from '../../server/sending/message-log.ts';
import { readProtocolExamples } from '../support/protocol-document.ts';

const ROOT = join(import.meta.dirname, '../..');
const MB = 1024 ** 2;
const OVERLAP_MINUTES = OVERLAP_MS / 60_000;

/** Pages that say what holds now. The changelog and the decisions keep the numbers of their day. */
const PAGES = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'lib/beckon-props.ts',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** Each page on one line, without emphasis and the margin of docstrings: sentences run over line ends. */
const TEXTS = new Map(
  PAGES.map((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    return [page, text.replaceAll('**', '').replaceAll(/\s+(\* )?/g, ' ')] as const;
  }),
);

const WORDS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];

/** `#` in a pattern stands for a number in digits or in words. */
const NUMBER = `(\\d[\\d,]*|${WORDS.join('|')})`;

function toNumber(text: string): number {
  const word = WORDS.indexOf(text.toLowerCase());
  return word === -1 ? Number(text.replaceAll(',', '')) : word;
}

/** Every place that states a fact: the page, its words, and the numbers in them. */
function statementsOf(pattern: string) {
  const search = new RegExp(`(?<![\\w,])${pattern.replaceAll('#', NUMBER)}`, 'gi');
  return [...TEXTS].flatMap(([page, text]) =>
    [...text.matchAll(search)].map(([words, ...numbers]) => ({ page, words, numbers: numbers.map(toNumber) })),
  );
}

/** A fact, the ways in which pages state it, and the numbers that the code has. */
const FACTS: readonly (readonly [fact: string, patterns: readonly string[], numbers: readonly number[]])[] = [
  ['the inbox', ['# messages (?:and|or) # MB'], [DEFAULT_INBOX_LIMIT.maxMessages, DEFAULT_INBOX_LIMIT.maxBytes / MB]],
  ['the inbox in bytes', ['# messages, and # bytes'], [DEFAULT_INBOX_LIMIT.maxMessages, DEFAULT_INBOX_LIMIT.maxBytes]],
  ['the rate', ['# (?:units|messages) a second, (?:and )?# at once'], [RATE_PER_SECOND, RATE_BURST]],
  [
    'the expiry of a silent registration',
    [
      'after # minutes of silence',
      'ends a registration after #',
      'a frame within the last # minutes',
      "# minutes after the connection's last frame",
    ],
    [IDLE_SECONDS / 60],
  ],
  ['the time between pings', ['every # minutes'], [HEARTBEAT_SECONDS / 60]],
  ['the overlap', ['# minutes before'], [OVERLAP_MINUTES]],
  ['the overlap in seconds', ['Overlap: # seconds'], [OVERLAP_MS / 1000]],
  [
    'what a ping says was shown',
    ['more than # messages came within # minutes[^.]*?more than # KB'],
    [MAX_SHOWN_MESSAGES, OVERLAP_MINUTES, MAX_SHOWN_BYTES / 1024],
  ],
  ['the time until an absence is announced', ['checks # seconds later', 'gone for # seconds'], [ABSENCE_SECONDS]],
  ['what one function delivers', ['over # connections of a user or a room'], [MAX_DIRECT_CONNECTIONS]],
  ['where a retry is looked for', ['among the newest # entries', 'at most # others'], [MAX_FIND_ENTRIES]],
  [
    'the longest life of a connection',
    ['after # hours at the latest', '# hours in all', 'a connection after # hours'],
    [CONNECTION_LIFE_SECONDS / 3600],
  ],
  ['the rooms of a connection', ['up to # rooms'], [MAX_ROOMS]],
  ['the users in one message', ['up to # users', 'to at most # users'], [MAX_USERS_PER_MESSAGE]],
  ['the users in a reply to `presence`', ['the first # users'], [MAX_USERS_PER_PRESENCE]],
  ['the words that search finds', ['the first # words of a message'], [MAX_INDEXED_WORDS]],
  ['how far an issuer may be ahead', ['more than # seconds later', 'up to # s ahead'], [CLOCK_TOLERANCE_SECONDS]],
];

describe('pages state what the code has', () => {
  test.each(FACTS)('%s', (_, patterns, numbers) => {
    for (const pattern of patterns) {
      const statements = statementsOf(pattern);
      expect(statements, `"${pattern}" is stated nowhere: change the pattern with the sentence`).not.toEqual([]);
      expect(statements.filter((statement) => statement.numbers.join() !== numbers.join())).toEqual([]);
    }
  });

  test('the retention, in one document', () => {
    const days = retentionDays();
    const statements = [
      ...statementsOf('retention\\b[^.|]{0,80}?# days'),
      ...statementsOf('# days[^.|]{0,40}?\\bretention'),
      ...statementsOf('Duration\\.days\\(#\\)'),
    ];
    expect(statements.filter(({ numbers }) => numbers[0] !== days)).toEqual([]);
    expect(new Set(statements.map(({ page }) => page))).toEqual(new Set(['docs/guarantees.md', 'lib/beckon-props.ts']));
    const stray = statementsOf('# days').filter(({ numbers }) => numbers[0] === days);
    expect(new Set(stray.map(({ page }) => page)), 'other pages say "the retention"').toEqual(
      new Set(['docs/guarantees.md']),
    );
  });

  test('the throttle of the stage', () => {
    const [stage] = resources('AWS::ApiGatewayV2::Stage');
    const settings = stage?.['DefaultRouteSettings'] as Record<string, number>;
    const numbers = [settings['ThrottlingRateLimit'], settings['ThrottlingBurstLimit']];
    const statements = statementsOf('# a second, # at once \\(`throttleRateLimit`, `throttleBurstLimit`\\)');
    expect(statements.map((statement) => statement.numbers)).toEqual([numbers]);
  });

  test('the sizes that an installation can lower', () => {
    const stated = [...(TEXTS.get('lib/beckon-props.ts') ?? '').matchAll(/`(max\w+)` \((\d[\d,]*)\)/g)];
    expect(Object.fromEntries(stated.map(([, name, size = '']) => [name, toNumber(size)]))).toEqual(
      DEFAULT_SIZE_LIMITS,
    );
  });
});

test('the examples of docs/protocol.md have registrations that last as long as those of the code', () => {
  const lives = readProtocolExamples().flatMap((example) => {
    if (example.kind !== 'gets' || example.frame['type'] !== 'registered') return [];
    return [Number(example.frame['expiresAt']) - Number(example.frame['serverTime'])];
  });
  expect(new Set(lives)).toEqual(new Set([IDLE_SECONDS * 1000]));
});

/** The properties of all resources of a type in the synthesized template. */
function resources(type: string): readonly Record<string, unknown>[] {
  const folder = inject('app');
  const file = readdirSync(folder).find((name) => name.endsWith('.template.json')) ?? '';
  const template = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
    readonly Resources: Readonly<
      Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>
    >;
  };
  return Object.values(template.Resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []));
}

/** The retention that the functions of the synthesized template get. */
function retentionDays(): number {
  const seconds = resources('AWS::Lambda::Function').flatMap(({ Environment }) => {
    const { Variables } = (Environment ?? {}) as { readonly Variables?: Record<string, string> };
    return Variables?.[ENV.retentionSeconds] ?? [];
  });
  expect(new Set(seconds).size).toBe(1);
  return Number(seconds[0]) / 86_400;
}
