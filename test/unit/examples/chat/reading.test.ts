import { describe, expect, it } from 'vitest';
import { BeckonError, type Json, type ReceivedMessage } from '../../../../client/index.ts';
import type { ChatClient } from '../../../../examples/chat/chat-message.ts';
import { History } from '../../../../examples/chat/history.ts';
import type { Place } from '../../../../examples/chat/place.ts';
import { Reading } from '../../../../examples/chat/reading.ts';
import { Thread } from '../../../../examples/chat/thread.ts';

/** A conversation in which others have said these, and the user has said `own`. */
function threadOf(serials: readonly string[], own: readonly string[] = [], place: Place = { user: 'bob' }): Thread {
  const thread = new Thread(place);
  for (const serial of [...serials, ...own]) {
    const from = own.includes(serial) ? { user: 'alice' } : { user: 'bob' };
    const message = { id: serial, serial, from, to: { user: 'alice' }, data: { text: serial }, sentAt: 1 };
    thread.receive(message as ReceivedMessage<Json>, 'alice');
  }
  return thread;
}

function setUp(isVisible = true) {
  const marked: unknown[] = [];
  const client = { markRead: async (place: Place, serial: string) => void marked.push([place, serial]) };
  return {
    marked,
    reading: new Reading(
      client as unknown as ChatClient,
      () => isVisible,
      () => {},
    ),
  };
}

describe('looking at a conversation', () => {
  it('marks what was seen as read, once, and counts what is further down', () => {
    const { reading, marked } = setUp();
    const thread = threadOf(['1', '2', '3'], ['4']);
    thread.unread = 3;
    thread.hasMoreUnread = true;
    expect(reading.look(thread, '2')).toBe(true);
    expect([thread.read, thread.unread, thread.hasMoreUnread]).toEqual(['2', 1, false]);
    expect(reading.look(thread, '2')).toBe(false);
    expect(reading.look(thread, '3')).toBe(true);
    expect(thread.unread).toBe(0);
    expect(marked).toEqual([
      [{ user: 'bob' }, '2'],
      [{ user: 'bob' }, '3'],
    ]);
  });

  it('further up unreads nothing', () => {
    const { reading, marked } = setUp();
    const thread = threadOf(['1', '2', '3']);
    thread.read = '2';
    thread.unread = 1;
    expect(reading.look(thread, '1')).toBe(false);
    expect(reading.look(thread, undefined)).toBe(false);
    expect([thread.read, thread.unread]).toEqual(['2', 1]);
    expect(marked).toEqual([]);
  });

  it('is nothing while nobody looks at the page', () => {
    const { reading, marked } = setUp(false);
    const thread = threadOf(['1']);
    thread.unread = 1;
    expect(reading.look(thread, '1')).toBe(false);
    expect([thread.read, thread.unread, marked]).toEqual([undefined, 1, []]);
  });

  it('with a service is told to nobody', () => {
    const { reading, marked } = setUp();
    const thread = threadOf(['1'], [], { service: 'billing' });
    thread.unread = 1;
    expect(reading.look(thread, '1')).toBe(true);
    expect([thread.unread, marked]).toEqual([0, []]);
  });
});

describe('the newest message of others', () => {
  it('is the last one, or the last of those up to a message', () => {
    const thread = threadOf(['1', '3', '5'], ['2', '4', '6']);
    expect(thread.newestOfOthers()).toBe('5');
    expect(thread.newestOfOthers('4 alice')).toBe('3');
    expect(thread.newestOfOthers('5 bob')).toBe('5');
    expect(thread.newestOfOthers('nothing')).toBeUndefined();
    expect(threadOf([], ['1']).newestOfOthers()).toBeUndefined();
  });
});

describe('earlier messages', () => {
  const historyOf = (answers: readonly (() => unknown)[]) => {
    const asked: unknown[] = [];
    const history = async (_: Place, options: { readonly before?: string }) => {
      asked.push(options.before);
      return answers[asked.length - 1]?.();
    };
    const client = { history } as unknown as ChatClient;
    return { asked, history: new History(client, 'alice', new AbortController().signal) };
  };

  it('can be loaded as long as there are some', async () => {
    const { history, asked } = historyOf([() => ({ messages: [], next: '5' }), () => ({ messages: [] })]);
    const thread = new Thread({ user: 'bob' });
    expect(thread.canLoadEarlier).toBe(false);
    const opening = history.open(thread);
    expect(thread.canLoadEarlier).toBe(false);
    await opening;
    expect(thread.canLoadEarlier).toBe(true);
    await history.earlier(thread);
    expect(thread.canLoadEarlier).toBe(false);
    await history.earlier(thread);
    expect(asked).toEqual([undefined, '5']);
  });

  it('are not asked for again where they are forbidden', async () => {
    const forbid = () => {
      throw new BeckonError('forbidden');
    };
    const { history, asked } = historyOf([() => ({ messages: [], next: '5' }), forbid]);
    const thread = new Thread({ user: 'bob' });
    await history.open(thread);
    await history.earlier(thread);
    expect(thread.canLoadEarlier).toBe(false);
    await history.earlier(thread);
    expect(asked).toEqual([undefined, '5']);
  });
});
