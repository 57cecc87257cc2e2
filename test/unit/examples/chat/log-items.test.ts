import { describe, expect, it } from 'vitest';
import { logItems } from '../../../../examples/chat/log-items.ts';
import { type Entry, entryKey } from '../../../../examples/chat/timeline.ts';

const NOON = new Date(2026, 10, 27, 12).getTime();
const entry = (id: string, author: string, minute: number): Entry => ({
  author,
  id,
  isOwn: author === 'me',
  text: id,
  sentAt: NOON + minute * 60_000,
  serial: id,
});
const show = (entries: readonly Entry[], more: { firstNew?: string; isRoom?: boolean; read?: string } = {}) =>
  logItems(entries, {
    isRoom: more.isRoom ?? false,
    firstNew: more.firstNew,
    nowMs: NOON,
    deliveryOf: ({ id }) =>
      id <= (more.read ?? '') ? { state: 'read', text: 'Read' } : { state: 'sent', text: 'Sent' },
  });
const lines = (...args: Parameters<typeof show>) =>
  show(...args).map((item) => {
    if (item.kind !== 'message') return `-- ${item.text}`;
    const { isNamed, isContinued, delivery } = item.appearance;
    return [isNamed && `${item.entry.author}:`, item.entry.text, !isContinued && `(${delivery?.text ?? 'time'})`]
      .filter(Boolean)
      .join(' ');
  });

describe('a log', () => {
  it('says the day before the messages of it, and when they were sent once for those that belong together', () => {
    const entries = [entry('1', 'bob', -1441), entry('2', 'bob', 0), entry('3', 'bob', 1), entry('4', 'bob', 5)];
    expect(lines(entries)).toEqual(['-- Yesterday', '1 (time)', '-- Today', '2', '3 (time)', '4 (time)']);
  });

  it('says how far messages have come where it changes', () => {
    const entries = ['1', '2', '3', '4'].map((id) => entry(id, 'me', 0));
    expect(lines(entries, { read: '2' })).toEqual(['-- Today', '1', '2 (Read)', '3', '4 (Sent)']);
  });

  it('names who writes in a room, once for those that belong together', () => {
    const entries = [entry('1', 'bob', 0), entry('2', 'bob', 0), entry('3', 'eve', 0), entry('4', 'me', 0)];
    expect(lines(entries, { isRoom: true })).toEqual(['-- Today', 'bob: 1', '2 (time)', 'eve: 3 (time)', '4 (Sent)']);
  });

  it('has a line where the new messages begin', () => {
    const entries = [entry('1', 'bob', 0), entry('2', 'bob', 0)];
    const second = entries[1];
    expect(lines(entries, { firstNew: second ? entryKey(second) : '' })).toEqual([
      '-- Today',
      '1 (time)',
      '-- New',
      '2 (time)',
    ]);
  });
});
