import { expect, test } from 'vitest';
import {
  DEFAULT_LIMITS,
  jsonByteLength,
  MAX_PUSH_BYTES,
  MAX_SHOWN_BYTES,
  type Message,
  type RegisteredReply,
} from '../../../../protocol/index.ts';
import { createPage } from '../../../../server/history/page.ts';
import { serialFloor } from '../../../../server/serial.ts';

const NOW = 1_800_000_000_000;

test('a full page fits into a frame together with all that a reply may say beside it', () => {
  const page = createPage(1_000_000);
  const message: Message = {
    id: 'm',
    serial: serialFloor(NOW),
    from: { user: 'a' },
    to: { user: 'b' },
    data: 'x'.repeat(100),
    sentAt: NOW,
  };
  while (page.add(message));
  const shown = [{ from: { user: '' }, ids: ['1'] }];
  const filler = 'x'.repeat(MAX_SHOWN_BYTES - jsonByteLength(shown));
  const reply: RegisteredReply = {
    type: 'registered',
    id: 'i'.repeat(64),
    userId: '漢'.repeat(256),
    connectionId: 'c'.repeat(128),
    serverTime: NOW,
    recovered: false,
    shown: [{ from: { user: filler }, ids: ['1'] }],
    messages: page.messages,
    more: true,
    cursor: serialFloor(NOW),
    expiresAt: NOW,
    limits: DEFAULT_LIMITS,
  };
  expect(jsonByteLength(reply.shown)).toBe(MAX_SHOWN_BYTES);
  expect(jsonByteLength(reply)).toBeLessThanOrEqual(MAX_PUSH_BYTES);
  expect(jsonByteLength(reply)).toBeGreaterThan(MAX_PUSH_BYTES - 4 * 1024);
});
