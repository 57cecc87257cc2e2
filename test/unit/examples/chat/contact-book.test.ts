import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Contact, ContactBook } from '../../../../examples/chat/contact-book.ts';

let kept: Map<string, string>;

beforeEach(() => {
  kept = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const contact = (user: string, lastText: string, lastSerial?: string): Contact => ({
  place: { user },
  lastAt: 1,
  lastText,
  ...(lastSerial !== undefined && { lastSerial }),
});

describe('the book of contacts', () => {
  it('keeps what another page has written of a later message', () => {
    const [one, other] = [new ContactBook('alice'), new ContactBook('alice')];
    one.put([contact('bob', 'new', '9')]);
    other.put([contact('bob', 'old', '5'), contact('carol', 'only')]);
    expect(one.read()).toEqual([contact('bob', 'new', '9'), contact('carol', 'only')]);
    other.put([contact('bob', 'newest', '91')]);
    other.put([contact('carol', 'You: on its way')]);
    expect(one.read()).toEqual([contact('bob', 'newest', '91'), contact('carol', 'You: on its way')]);
  });

  it('reads what an earlier version has written, and nothing else', () => {
    kept.set(
      'beckon-chat/contacts/alice',
      JSON.stringify([contact('bob', 'kept'), { ...contact('eve', ''), lastSerial: 1 }]),
    );
    expect(new ContactBook('alice').read()).toEqual([contact('bob', 'kept')]);
  });

  it('leaves nothing of its user behind when it is deleted', () => {
    new ContactBook('alice').put([contact('bob', 'hi')]);
    new ContactBook('bob').put([contact('alice', 'hi')]);
    new ContactBook('alice').delete();
    expect([...kept.keys()]).toEqual(['beckon-chat/contacts/bob']);
  });
});
