import axe from 'axe-core';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { chatPage } from './chat-page.ts';
import type { Person, PersonOptions } from './person.ts';

// The demo page itself: signing in, lost connections, and accessibility.

const NARROW = { context: { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true } };

const chat = chatPage();
const { open, issueToken } = chat;

describe('a lost connection', () => {
  it('during a burst loses nothing, repeats nothing and keeps the order', async () => {
    const [alice, bob] = await Promise.all([open('quinn'), open('rosa')]);
    await alice.writeTo('rosa');
    await bob.writeTo('quinn');
    const burst = Array.from({ length: 24 }, (_, number) => `burst ${number}.`);
    // During a failure the page shows the last known presence.
    await alice.page.getByText('Online', { exact: true }).waitFor();
    for (const text of burst.slice(0, 12)) await alice.say(text);
    await alice.cut(true);
    await alice.sees('Connection lost');
    await alice.page.getByText(/^next attempt in \d+ s$/).waitFor();
    for (const text of burst.slice(12)) await alice.say(text);
    await alice.delivery('burst 23.', 'Queued');
    await alice.page.getByText('Last seen online', { exact: true }).waitFor();
    for (const text of ['meanwhile 1', 'meanwhile 2']) await bob.say(text);
    expect(await bob.texts()).not.toContain('burst 23.');
    await alice.cut(false);
    await alice.sees('Connected');
    await alice.delivery('burst 23.', 'Read');
    await eventually(async () => (await bob.texts()).filter((text) => text.startsWith('burst'))).toEqual(burst);
    await eventually(async () => (await alice.texts()).filter((text) => text.startsWith('meanwhile'))).toEqual([
      'meanwhile 1',
      'meanwhile 2',
    ]);
    // In the log's order on both sides.
    expect(await alice.texts()).toEqual(await bob.texts());
  });

  it('lets the next page send the queued messages', async () => {
    const [tina, walt] = await Promise.all([open('tina'), open('walt')]);
    await tina.writeTo('walt');
    await walt.writeTo('tina');
    await tina.say('before');
    await walt.message('before').waitFor();
    await tina.cut(true);
    for (const text of ['queued 1', 'queued 2']) await tina.say(text);
    await tina.delivery('queued 2', 'Queued');
    await tina.page.reload();
    await tina.openContact('walt');
    await eventually(() => walt.texts()).toEqual(['before', 'queued 1', 'queued 2']);
    await tina.delivery('queued 2', 'Read');
    expect(await tina.texts()).toEqual(['before', 'queued 1', 'queued 2']);
  });

  it('is shown, and ends by itself when the network returns', async () => {
    const alice = await open('sam');
    await alice.cut(true);
    await alice.sees('You have cut it. Messages wait here.');
    await alice.cut(false);
    await alice.sees('Messages go out at once.');
  });
});

describe('signing in', () => {
  it('needs a name', async () => {
    const nobody = await open('', { signIn: false });
    await nobody.page.getByRole('button', { name: 'Sign in' }).click();
    await nobody.page.getByRole('alert').getByText('Say who you are: a name is needed.').waitFor();
    const name = nobody.page.getByLabel('Your name');
    expect(await name.getAttribute('aria-invalid')).toBe('true');
    expect(await name.and(nobody.page.locator(':focus')).count()).toBe(1);
  });

  it('shows why the issuer refused', async () => {
    const mallory = await open('mallory', {
      signIn: false,
      prepare: async (page) => {
        await page.route('**/_local/token', (route) =>
          route.fulfill({ status: 403, json: { message: 'mallory may not come in.' } }),
        );
      },
    });
    await mallory.page.getByLabel('Your name').fill('mallory');
    await mallory.page.keyboard.press('Enter');
    await mallory.page.getByRole('alert').getByText('mallory may not come in.').waitFor();
    await mallory.page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  it('accepts a token where no issuer is configured, and shows what is wrong with a bad one', async () => {
    const bob = await open('bob', {
      signIn: false,
      prepare: async (page) => {
        await page.route('**/config.json', async (route) => {
          const response = await route.fetch();
          const { websocketUrl } = (await response.json()) as { websocketUrl: string };
          await route.fulfill({ json: { websocketUrl } });
        });
      },
    });
    const token = bob.page.getByLabel('Your token');
    const submit = async (text: string, problem: string) => {
      await token.fill(text);
      await bob.page.getByRole('button', { name: 'Sign in' }).click();
      await bob.page.getByRole('alert').getByText(problem).waitFor();
    };
    const good = await issueToken('bob');
    await submit('', 'A token is needed.');
    await submit('nonsense', 'This is not a JWT');
    await submit(await issueToken('bob', { expiresInSeconds: -60 }), 'This token expired at');
    await submit(`${good.slice(0, -8)}AAAAAAAA`, 'The server cannot be reached, or it did not accept the token.');
    await bob.page.getByRole('button', { name: 'Cancel' }).click();
    await token.fill(good);
    await bob.page.getByRole('button', { name: 'Sign in' }).click();
    await bob.sees('Connected');
    expect(await bob.page.getByText('bob', { exact: true }).isVisible()).toBe(true);
  });

  it('with a token that allows only sending works without the rest', async () => {
    const token = await issueToken('limited', { capability: { 'user:*': ['send'] } });
    const limited = await open('limited', {
      prepare: async (page) => {
        await page.route('**/_local/token', (route) => route.fulfill({ json: { token } }));
      },
    });
    const other = await open('other');
    await limited.writeTo('other');
    await limited.say('all I can do');
    await other.openContact('limited');
    await limited.delivery('all I can do', 'Read');
    await other.say('that is enough');
    await limited.message('that is enough').waitFor();
    await limited.joinRoom('private');
    await limited.page
      .getByRole('alert')
      .getByText(/^You are not in this room: .*does not allow "join"/)
      .waitFor();
    expect(await limited.page.getByRole('button', { name: 'Search in this conversation' }).isVisible()).toBe(false);
    await other.say('and more');
    await limited.page.getByRole('button', { name: /^other.*and more.*1 unread/ }).waitFor();
    expect(await limited.page.locator('#notice').isVisible()).toBe(false);
  });

  it('lasts in the tab until the user signs out', async () => {
    const alice = await open('alice');
    await alice.page.reload();
    await alice.sees('Connected');
    await alice.page.getByRole('button', { name: 'Sign out' }).click();
    await alice.page.getByLabel('Your name').waitFor();
    await alice.page.reload();
    await alice.page.getByLabel('Your name').waitFor();
  });

  it('leaves nothing in the browser after signing out', async () => {
    const [gwen, iris] = await Promise.all([open('gwen'), open('iris')]);
    await gwen.joinRoom('secrets');
    await gwen.say('said in the room');
    await gwen.writeTo('iris');
    await gwen.say('said to a friend');
    await iris.openContact('gwen');
    await iris.say('said by a friend');
    await gwen.message('said by a friend').waitFor();
    await gwen.page.getByRole('textbox', { name: 'Message' }).fill('not sent');
    await gwen.page.reload();
    await gwen.openContact('iris');
    await gwen.message('said by a friend').waitFor();
    expect(await gwen.page.evaluate('localStorage.length')).toBeGreaterThan(0);
    await gwen.page.getByRole('button', { name: 'Sign out' }).click();
    await gwen.page.getByLabel('Your name').waitFor();
    // By then the closing client has made its last write.
    await gwen.page.evaluate('new Promise((resolve) => setTimeout(resolve))');
    expect(await gwen.page.evaluate('[{ ...localStorage }, { ...sessionStorage }]')).toEqual([{}, {}]);
    expect(await gwen.page.evaluate(EVERYTHING_ON_THE_PAGE)).not.toMatch(/gwen|iris|secrets|said (in|to|by)|not sent/);
    await gwen.signIn();
    expect(await gwen.contact('#secrets').count()).toBe(0);
    await gwen.writeTo('iris');
    await gwen.message('said by a friend').waitFor();
  });

  it('again shows no message that was shown before', async () => {
    const [nora, oscar] = await Promise.all([open('nora'), open('oscar')]);
    await nora.writeTo('oscar');
    await nora.say('written before');
    await nora.writeTo('peggy');
    await nora.say('written to somebody else');
    await nora.delivery('written to somebody else', 'Waits for peggy');
    await oscar.openContact('nora');
    await oscar.say('answered before');
    await nora.page.getByRole('button', { name: /^oscar.*answered before.*1 unread/ }).waitFor();
    await nora.page.getByRole('button', { name: 'Sign out' }).click();
    // Signing out tells the server which messages were shown, before the connection ends.
    await eventually(async () => nora.frames.at(-1)).toMatch(/ nora is closed$/);
    await nora.signIn();
    await oscar.say('answered after');
    await nora.contact('oscar').getByText('answered after').waitFor();
    expect(await nora.page.locator('.person-name').allTextContents()).toEqual(['oscar']);
    await nora.page.getByRole('button', { name: /^oscar.*answered after.*1 unread/ }).waitFor();
  });

  it('ends with a sign-out that deletes the data of earlier pages, even without a connection', async () => {
    const quinn = await open('quinn');
    await quinn.writeTo('rita');
    await quinn.cut(true);
    await quinn.say('written in a tunnel');
    await quinn.delivery('written in a tunnel', 'Queued');
    await quinn.page.route('**/_local/token', (route) => route.abort());
    await quinn.page.reload();
    await quinn.page.getByRole('button', { name: 'Sign out' }).click();
    await quinn.page.getByLabel('Your name').waitFor();
    await eventually(() => quinn.page.evaluate('({ ...localStorage })')).toEqual({});
  });

  it('ends with a sign-out that asks for confirmation if messages are unsent', async () => {
    const jill = await open('jill');
    await jill.writeTo('karl');
    await jill.cut(true);
    await jill.say('written in a tunnel');
    await jill.delivery('written in a tunnel', 'Queued');
    const signOut = async (answer: 'accept' | 'dismiss') => {
      const asked = jill.page.waitForEvent('dialog').then(async (dialog) => {
        await dialog[answer]();
        return dialog.message();
      });
      await jill.page.getByRole('button', { name: 'Sign out' }).click();
      return asked;
    };
    expect(await signOut('dismiss')).toContain('1 message has not been sent yet');
    await jill.cut(false);
    await jill.delivery('written in a tunnel', 'Waits for karl');
    await jill.cut(true);
    await jill.say('never sent');
    await signOut('accept');
    await jill.page.getByLabel('Your name').waitFor();
    expect(await jill.page.evaluate('localStorage.length')).toBe(0);
  });

  it('in one tab leaves the list of another tab of the same user alone', async () => {
    const lily = await open('lily');
    await lily.writeTo('mark');
    const tab = await lily.page.context().newPage();
    await tab.goto(chat.beckon.pageUrl);
    await tab.getByLabel('Your name').fill('lily');
    await tab.keyboard.press('Enter');
    await tab.getByRole('button', { name: /^mark/ }).waitFor();
    await lily.page.getByRole('button', { name: 'Sign out' }).click();
    await lily.page.getByLabel('Your name').waitFor();
    await tab.waitForFunction("Object.keys(localStorage).some((key) => key.startsWith('beckon-chat/'))");
    await tab.reload();
    await tab.getByRole('button', { name: /^mark/ }).waitFor();
  });

  it('works when the page is opened as localhost', async () => {
    const local = await open('nora', {}, chat.beckon.pageUrl.replace('127.0.0.1', 'localhost'));
    await local.writeTo('olaf');
    await local.say('from localhost');
    await local.delivery('from localhost', 'Waits for olaf');
  });

  it('works as another user in another tab', async () => {
    const alice = await open('alice');
    const tab = await alice.page.context().newPage();
    await tab.goto(chat.beckon.pageUrl);
    await tab.getByLabel('Your name').waitFor();
  });
});

describe('a server that goes away', () => {
  it('is shown as down; the page waits, then sends the messages written meanwhile', async () => {
    const [xena, yuri] = await Promise.all([open('xena', NARROW), open('yuri')]);
    await xena.writeTo('xena');
    const place = await whereThingsAre(xena);
    await chat.beckon.kill();
    await Promise.all([xena.sees('Connection lost'), yuri.sees('Connection lost')]);
    await xena.page.getByText(/^next attempt in \d+ s$/).waitFor();
    await xena.page.getByText('Sent as soon as the connection is back.').waitFor();
    await xena.say('a note to myself');
    await xena.delivery('a note to myself', 'Queued');
    expect(await whereThingsAre(xena)).toEqual(place);

    await chat.restart();
    for (const { page } of [xena, yuri]) await page.evaluate("dispatchEvent(new Event('online'))");
    await Promise.all([xena.sees('Connected'), yuri.sees('Connected')]);
    await xena.delivery('a note to myself', 'Sent');
    await yuri.writeTo('xena');
    await yuri.say('Back again?');
    await yuri.delivery('Back again?', 'Delivered');
    await xena.page.getByRole('button', { name: 'All conversations' }).click();
    await xena.page.getByRole('button', { name: /^yuri.*Back again\?.*1 unread/ }).waitFor();
  });
});

describe('the page', () => {
  it('works with the keyboard alone', async () => {
    const [alice, bob] = await Promise.all([open('alice', { signIn: false }), open('bob')]);
    const { keyboard } = alice.page;
    await alice.page.getByLabel('Your name').waitFor();
    await keyboard.type('alice');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await alice.sees('Connected');
    await keyboard.type('bob');
    await keyboard.press('Enter');
    await keyboard.type('typed only');
    await keyboard.press('Enter');
    await keyboard.type('twice');
    await keyboard.press('Tab');
    await keyboard.press('Space');
    await bob.openContact('alice');
    await bob.message('typed only').waitFor();
    await bob.message('twice').waitFor();
  });

  it.each<[string, PersonOptions]>([
    ['light', { context: { colorScheme: 'light' } }],
    ['dark', { context: { colorScheme: 'dark' } }],
    ['phone', NARROW],
  ])('passes the automated accessibility rules: %s', async (kind, options) => {
    const [other, room] = [`friend-${kind}`, `kitchen-${kind}`];
    const [alice, bob] = await Promise.all([open(`user-${kind}`, { ...options, signIn: false }), open(other)]);
    expect(await barriers(alice)).toEqual([]);
    await alice.page.getByRole('button', { name: 'Sign in' }).click();
    await alice.page.getByRole('alert').getByText('a name is needed').waitFor();
    expect(await barriers(alice)).toEqual([]);
    await alice.signIn();
    expect(await barriers(alice)).toEqual([]);
    await alice.joinRoom(room);
    await bob.joinRoom(room);
    await bob.say('Coffee?');
    await alice.message('Coffee?').waitFor();
    expect(await barriers(alice)).toEqual([]);
    await alice.writeTo(other);
    await bob.writeTo(alice.name);
    await bob.say('Hello');
    await alice.say('Hello to you');
    await alice.delivery('Hello to you', 'Read');
    await alice.page.getByRole('button', { name: 'Search in this conversation' }).click();
    await alice.page.getByLabel('Search for').fill('nowhere');
    await alice.page.keyboard.press('Enter');
    await alice.page.getByText('Nothing was found.').waitFor();
    expect(await barriers(alice)).toEqual([]);
    await alice.cut(true);
    await alice.say('later');
    await alice.delivery('later', 'Queued');
    await alice.sees('Connection lost');
    expect(await barriers(alice)).toEqual([]);
  });

  it('fits a narrow phone without scrolling sideways', async () => {
    const alice = await open('alice', { ...NARROW, signIn: false });
    expect(await widthOf(alice)).toBe(320);
    await alice.signIn();
    expect(await widthOf(alice)).toBe(320);
    await alice.writeTo(`somebody-with-${'a-long-name-'.repeat(8)}`);
    await alice.say(`a-word-${'without-an-end-'.repeat(20)}`);
    await alice.page.getByText(/^Waits for somebody/).waitFor();
    expect(await widthOf(alice)).toBe(320);
    await alice.page.getByRole('button', { name: 'All conversations' }).click();
    expect(await widthOf(alice)).toBe(320);
  });
});

const EVERYTHING_ON_THE_PAGE = `
  document.documentElement.outerHTML + [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
`;

/** The positions of elements that must not move when others change. */
function whereThingsAre({ page }: Person): Promise<unknown> {
  return Promise.all(
    ['#my-name', '#connection', '#peer', '#log', '#text'].map((selector) => page.locator(selector).boundingBox()),
  );
}

function widthOf({ page }: Person): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth');
}

/** Returns axe's findings on the current page by WCAG 2.2 AA and its best practices: the rule and the place. */
async function barriers({ page }: Person): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(' ')}: ${failureSummary}`),
  );
}
