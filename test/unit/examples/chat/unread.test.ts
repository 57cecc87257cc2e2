import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BeckonError, type Json, type Peer, type ReceivedMessage } from '../../../../client/index.ts';
import type { ChatClient } from '../../../../examples/chat/chat-message.ts';
import { Thread } from '../../../../examples/chat/thread.ts';
import { Unread } from '../../../../examples/chat/unread.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Answer {
  readonly count: number;
  readonly read?: string;
}

function setUp(threads: readonly Thread[], answer: (conversation: Peer) => Answer, seen?: Thread) {
  const asked: string[] = [];
  const unread = async (conversations: readonly Peer[]) => {
    asked.push(JSON.stringify(conversations));
    return conversations.map((conversation) => ({ conversation, more: false, ...answer(conversation) }));
  };
  const client = { unread, state: { status: 'connected' } } as unknown as ChatClient;
  const onError = vi.fn();
  const { signal } = new AbortController();
  const isSeen = (thread: Thread) => thread === seen;
  const host = { client, signal, threads: () => threads, isSeen, onChange: () => {}, onError };
  return { asked, onError, unread: new Unread(host) };
}

/** A message of the other comes to a conversation that is not open. */
function arrive(unread: Unread, thread: Thread, serial: string): void {
  const message = {
    id: serial,
    serial,
    from: { user: 'bob' },
    to: { user: 'alice' },
    data: { text: serial },
    sentAt: 1,
  };
  if (thread.receive(message as ReceivedMessage<Json>, 'alice')) unread.add(thread);
}

const settle = () => vi.advanceTimersByTimeAsync(1_000);

describe('what is unread', () => {
  it('is nothing where somebody is looking, though the server does not know yet', async () => {
    const [bob, carol] = [new Thread({ user: 'bob' }), new Thread({ user: 'carol' })];
    const { unread } = setUp([bob, carol], () => ({ count: 1 }), bob);
    unread.ask();
    await settle();
    expect([bob.unread, carol.unread]).toEqual([0, 1]);
  });

  it('is what the server says, and then what arrives', async () => {
    const bob = new Thread({ user: 'bob' });
    const { unread, asked } = setUp([bob], () => ({ count: 5, read: '3' }));
    unread.ask();
    unread.ask();
    await settle();
    expect([bob.unread, bob.read]).toEqual([5, '3']);
    arrive(unread, bob, '9');
    await settle();
    expect(bob.unread).toBe(6);
    expect(asked).toHaveLength(1);
  });

  it('is asked for where something arrives of which nobody knows whether it is all', async () => {
    const bob = new Thread({ user: 'bob' });
    const { unread } = setUp([bob], () => ({ count: 3 }));
    arrive(unread, bob, '9');
    expect(bob.unread).toBe(1);
    await settle();
    expect(bob.unread).toBe(3);
  });

  it('is not what has been read and is brought again', async () => {
    const bob = new Thread({ user: 'bob' });
    const { unread } = setUp([bob], () => ({ count: 0, read: '9' }));
    arrive(unread, bob, '8');
    arrive(unread, bob, '9');
    await settle();
    expect(bob.unread).toBe(0);
  });

  it('is at least what is here, though the server does not see it yet', async () => {
    const bob = new Thread({ user: 'bob' });
    const { unread } = setUp([bob], () => ({ count: 0, read: '7' }));
    arrive(unread, bob, '8');
    await settle();
    expect(bob.unread).toBe(1);
  });

  it('is asked for again when something arrives before the answer', async () => {
    const bob = new Thread({ user: 'bob' });
    let count = 4;
    const { unread, asked } = setUp([bob], () => {
      // Behind the server's back: it has counted already.
      if (count === 4) arrive(unread, bob, '9');
      return { count: count++, read: '3' };
    });
    unread.ask();
    await settle();
    expect(bob.unread).toBe(5);
    expect(asked).toHaveLength(2);
  });

  it('is not what the server says as long as it does not know what has been read here', async () => {
    const bob = new Thread({ user: 'bob' });
    bob.read = '9';
    const { unread } = setUp([bob], () => ({ count: 2, read: '7' }));
    unread.ask();
    await settle();
    expect([bob.unread, bob.read]).toEqual([0, '9']);
  });

  it('is what has arrived where the user may not know, and does not hinder what they may', async () => {
    const [bob, eve] = [new Thread({ user: 'bob' }), new Thread({ user: 'eve' })];
    const { unread, asked, onError } = setUp([bob, eve], (conversation) => {
      if ('user' in conversation && conversation.user === 'bob') throw new BeckonError('forbidden');
      return { count: 2 };
    });
    arrive(unread, bob, '9');
    await settle();
    expect([bob.unread, eve.unread]).toEqual([1, 2]);
    arrive(unread, bob, '99');
    await settle();
    expect(bob.unread).toBe(2);
    expect(asked).toHaveLength(3);
    expect(onError).not.toHaveBeenCalled();
  });
});
