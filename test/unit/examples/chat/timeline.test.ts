import { describe, expect, it } from 'vitest';
import { type Entry, entryKey, Timeline } from '../../../../examples/chat/timeline.ts';

const entry = (id: string, more: Partial<Entry> = {}): Entry => ({
  author: 'bob',
  id,
  isOwn: false,
  text: `text of ${id}`,
  sentAt: 1,
  ...more,
});
const ids = ({ entries }: Timeline) => entries.map(({ id }) => id).join(' ');

describe('a timeline', () => {
  it('has the order of the serials, in whatever order messages come', () => {
    const timeline = new Timeline();
    for (const [id, serial] of [
      ['c', '3'],
      ['a', '1'],
      ['d', '4'],
      ['b', '2'],
    ] as const) {
      timeline.put(entry(id, { serial }));
    }
    expect(ids(timeline)).toBe('a b c d');
  });

  it('has each message once, and says whether it is new', () => {
    const timeline = new Timeline();
    expect(timeline.put(entry('a', { serial: '1' }))).toBe(true);
    expect(timeline.put(entry('a', { serial: '1' }))).toBe(false);
    // Of somebody else under the same id: another message.
    expect(timeline.put(entry('a', { author: 'eve', serial: '2' }))).toBe(true);
    expect(ids(timeline)).toBe('a a');
  });

  it('keeps what has no place yet at the end, and moves it when it has one', () => {
    const timeline = new Timeline();
    timeline.put(entry('mine', { isOwn: true, fate: { kind: 'queued' } }));
    timeline.put(entry('mine 2', { isOwn: true, fate: { kind: 'queued' } }));
    timeline.put(entry('a', { serial: '1' }));
    timeline.put(entry('c', { serial: '3' }));
    expect(ids(timeline)).toBe('a c mine mine 2');
    timeline.put(entry('mine', { isOwn: true, serial: '2' }));
    expect(ids(timeline)).toBe('a mine c mine 2');
    expect(timeline.find(entryKey(entry('mine')))).toMatchObject({ serial: '2', fate: { kind: 'queued' } });
  });

  it('lets go of all but what has no place yet', () => {
    const timeline = new Timeline();
    timeline.put(entry('a', { serial: '1' }));
    timeline.put(entry('mine', { isOwn: true }));
    timeline.forget();
    expect(ids(timeline)).toBe('mine');
    expect(timeline.put(entry('a', { serial: '1' }))).toBe(true);
    expect(ids(timeline)).toBe('a mine');
  });
});
