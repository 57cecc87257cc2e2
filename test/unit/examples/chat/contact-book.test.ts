import { describe, expect, it } from 'vitest';
import { type BookStorage, type Contact, ContactBook } from '../../../../examples/chat/contact-book.ts';

/** A browser's storage, and the books that are kept in it. */
function setUp() {
  const kept = new Map<string, string>();
  const storage: BookStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  return { kept, book: (me = 'alice') => new ContactBook(me, () => storage) };
}

const contact = (user: string, lastText: string, lastSerial?: string): Contact => ({
  place: { user },
  lastAt: 1,
  lastText,
  ...(lastSerial !== undefined && { lastSerial }),
});

describe('the book of contacts', () => {
  it('is empty, and does not fail, where the browser keeps nothing', () => {
    const refusing = new ContactBook('alice', () => {
      throw new Error('The operation is insecure.');
    });
    refusing.put([contact('bob', 'hi')]);
    refusing.delete();
    expect(refusing.read()).toEqual([]);
  });

  it('keeps what another page has written of a later message', () => {
    const { book } = setUp();
    const [one, other] = [book(), book()];
    one.put([contact('bob', 'new', '9')]);
    other.put([contact('bob', 'old', '5'), contact('carol', 'only')]);
    expect(one.read()).toEqual([contact('bob', 'new', '9'), contact('carol', 'only')]);
    other.put([contact('bob', 'newest', '91')]);
    other.put([contact('carol', 'You: on its way')]);
    expect(one.read()).toEqual([contact('bob', 'newest', '91'), contact('carol', 'You: on its way')]);
  });

  it('reads what an earlier version has written, and nothing else', () => {
    const { kept, book } = setUp();
    kept.set(
      'beckon-chat/contacts/alice',
      JSON.stringify([contact('bob', 'kept'), { ...contact('eve', ''), lastSerial: 1 }]),
    );
    expect(book().read()).toEqual([contact('bob', 'kept')]);
  });

  it('leaves nothing of its user behind when it is deleted', () => {
    const { kept, book } = setUp();
    book('alice').put([contact('bob', 'hi')]);
    book('bob').put([contact('alice', 'hi')]);
    book('alice').delete();
    expect([...kept.keys()]).toEqual(['beckon-chat/contacts/bob']);
  });
});
