import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatClient } from '../../../../examples/chat/chat-message.ts';
import { TypingSignal, Typists } from '../../../../examples/chat/typing.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('saying that one is typing', () => {
  const BOB = { user: 'bob' };
  const LOBBY = { room: 'lobby' };
  const setUp = (status = 'connected') => {
    const said: string[] = [];
    const say = (name: string, data: object) => {
      said.push(`${name} ${JSON.stringify(data)}`);
      return Promise.resolve();
    };
    const client = { sendToUser: say, sendToRoom: say, state: { status } } as unknown as ChatClient;
    return { said, typing: new TypingSignal(client) };
  };

  it('is done at most every three seconds, however fast one types', () => {
    const { said, typing } = setUp();
    for (let ms = 0; ms < 6_000; ms += 50) typing.onInput(BOB, 'text', 1_000_000 + ms);
    expect(said).toEqual(['bob {"typing":true}', 'bob {"typing":true}']);
  });

  it('is taken back when the text is', () => {
    const { said, typing } = setUp();
    typing.onInput(BOB, 'a', 1_000_000);
    typing.onInput(BOB, '', 1_000_050);
    typing.onInput(BOB, ' ', 1_000_100);
    expect(said).toEqual(['bob {"typing":true}', 'bob {"typing":false}']);
  });

  it('is not taken back when the text is sent', () => {
    const { said, typing } = setUp();
    typing.onInput(BOB, 'a', 1_000_000);
    typing.onSent();
    typing.stop();
    expect(said).toEqual(['bob {"typing":true}']);
  });

  it('ends at one place when it begins at another', () => {
    const { said, typing } = setUp();
    typing.onInput(BOB, 'a', 1_000_000);
    typing.onInput(LOBBY, 'a', 1_000_050);
    expect(said).toEqual(['bob {"typing":true}', 'bob {"typing":false}', 'lobby {"typing":true}']);
  });

  it('does not wait for a connection', () => {
    const { said, typing } = setUp('recovering');
    typing.onInput(BOB, 'a', 1_000_000);
    expect(said).toEqual([]);
  });
});

describe('those who are typing', () => {
  const LOBBY = { room: 'lobby' };
  const setUp = () => {
    const onChange = vi.fn();
    return { onChange, typists: new Typists(onChange, new AbortController().signal) };
  };

  it('are believed for five seconds', () => {
    const { onChange, typists } = setUp();
    typists.heard(LOBBY, 'bob', true);
    vi.advanceTimersByTime(3_000);
    typists.heard(LOBBY, 'eve', true);
    expect(typists.at(LOBBY)).toEqual(['bob', 'eve']);
    expect(typists.at({ user: 'lobby' })).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(typists.at(LOBBY)).toEqual(['eve']);
    vi.advanceTimersByTime(3_000);
    expect(typists.at(LOBBY)).toEqual([]);
    expect(onChange).toHaveBeenCalledTimes(4);
  });

  it('are believed longer when they say so again, and not at all when they say the opposite', () => {
    const { typists } = setUp();
    typists.heard(LOBBY, 'bob', true);
    vi.advanceTimersByTime(3_000);
    typists.heard(LOBBY, 'bob', true);
    vi.advanceTimersByTime(4_000);
    expect(typists.at(LOBBY)).toEqual(['bob']);
    typists.heard(LOBBY, 'bob', false);
    expect(typists.at(LOBBY)).toEqual([]);
  });

  it('who have only written change nothing', () => {
    const { onChange, typists } = setUp();
    typists.heard(LOBBY, 'bob', false);
    expect(onChange).not.toHaveBeenCalled();
  });
});
