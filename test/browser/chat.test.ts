import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type BeckonProcess, startBeckon } from '../support/beckon-process.ts';
import { launchChromium } from '../support/chromium.ts';
import { Person, type PersonOptions } from './person.ts';

// The demo page in a real browser, against the synthesized application.

const NARROW = { context: { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true } };

let beckon: BeckonProcess;
let browser: Browser;
const people: Person[] = [];

beforeAll(async () => {
  [beckon, browser] = await Promise.all([startBeckon(inject('app')), launchChromium()]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), beckon?.kill()]);
});
afterEach(async () => {
  const complaints = people.flatMap((person) => person.complaints);
  await Promise.all(people.splice(0).map((person) => person.close()));
  expect(complaints).toEqual([]);
});

async function open(name: string, options?: PersonOptions): Promise<Person> {
  const person = await Person.open(browser, beckon.pageUrl, name, options);
  people.push(person);
  return person;
}

describe('messages', () => {
  it('go from user to user, and back', async () => {
    const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
    await alice.writeTo('bob');
    await alice.say('Hi Bob!');
    await alice.delivery('Hi Bob!', 'Delivered');
    await bob.message('Hi Bob!').waitFor();
    await bob.say('Hi Alice!\nHow are you?');
    await bob.delivery('How are you?', 'Delivered');
    await alice.message('How are you?').waitFor();
  });

  it('reach every device of a user', async () => {
    const [alice, ...devices] = await Promise.all([open('alice'), open('bob'), open('bob'), open('bob')]);
    await alice.writeTo('bob');
    await alice.say('to all of you');
    await alice.delivery('to all of you', 'Delivered to 3 devices');
    await Promise.all(devices.map((device) => device.message('to all of you').waitFor()));
  });

  it('wait for whoever is not there', async () => {
    const alice = await open('alice');
    await alice.writeTo('dave');
    await alice.say('are you there?');
    await alice.delivery('are you there?', 'Waits for dave');
    const dave = await open('dave');
    await dave.page.getByRole('button', { name: /^alice.*are you there\?/ }).click();
    await dave.message('are you there?').waitFor();
  });

  it('of others wait in the list until they are read', async () => {
    const [erin, frank, grace] = await Promise.all([open('erin'), open('frank'), open('grace')]);
    await erin.writeTo('frank');
    await grace.writeTo('erin');
    await grace.say('Lunch?');
    await erin.page.getByRole('button', { name: /unread/ }).waitFor();
    expect(await erin.page.title()).toBe('(1) Beckon');
    await erin.page.getByRole('button', { name: /^grace.*Lunch\?.*1 unread/ }).click();
    await erin.message('Lunch?').waitFor();
    expect(await erin.page.title()).toBe('Beckon');
    expect(await erin.page.getByRole('button', { name: /unread/ }).count()).toBe(0);
    expect(await frank.page.getByText('Nobody yet.').isVisible()).toBe(true);
  });

  it('are text, whatever they look like', async () => {
    const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
    const markup = '<img src="x" onerror="document.title = 1"><b>bold</b>';
    await alice.writeTo('bob');
    await alice.say(markup);
    await alice.delivery(markup, 'Delivered');
    await bob.message(markup).waitFor();
    expect(await bob.page.locator('.log img, .log b').count()).toBe(0);
  });

  it('that are too long are refused in plain words', async () => {
    const alice = await open('alice');
    await alice.writeTo('bob');
    await alice.say('x'.repeat(40_000));
    await alice.delivery('xxx', 'Not sent: it is too long');
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

  it('says why the issuer refused', async () => {
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

  it('takes a token where there is no issuer to ask, and says what is wrong with it', async () => {
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

  it('is remembered in the tab, until one signs out', async () => {
    const alice = await open('alice');
    await alice.page.reload();
    await alice.sees('Connected');
    await alice.page.getByRole('button', { name: 'Sign out' }).click();
    await alice.page.getByLabel('Your name').waitFor();
    await alice.page.reload();
    await alice.page.getByLabel('Your name').waitFor();
  });

  it('is possible as somebody else in another tab', async () => {
    const alice = await open('alice');
    const tab = await alice.page.context().newPage();
    await tab.goto(beckon.pageUrl);
    await tab.getByLabel('Your name').waitFor();
  });
});

describe('a server that goes away', () => {
  it('is told of, waited for, and gets what was written meanwhile', async () => {
    const [alice, bob] = await Promise.all([open('alice', NARROW), open('bob')]);
    await alice.writeTo('alice');
    const place = await whereThingsAre(alice);
    const { port } = beckon;
    await beckon.kill();
    await Promise.all([alice.sees('Connection lost'), bob.sees('Connection lost')]);
    await alice.page.getByText(/^next attempt in \d+ s$/).waitFor();
    await alice.page.getByText('Sent as soon as the connection is back.').waitFor();
    await alice.say('a note to myself');
    await alice.delivery('a note to myself', 'Queued');
    expect(await whereThingsAre(alice)).toEqual(place);

    beckon = await startBeckon(inject('app'), port);
    for (const { page } of [alice, bob]) await page.evaluate("dispatchEvent(new Event('online'))");
    await Promise.all([alice.sees('Connected'), bob.sees('Connected')]);
    await alice.delivery('a note to myself', 'Delivered');
    await bob.writeTo('alice');
    await bob.say('Back again?');
    await bob.delivery('Back again?', 'Delivered');
  });
});

describe('the page', () => {
  it('can be used with the keyboard alone', async () => {
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
    await bob.message('typed only').waitFor();
    await bob.message('twice').waitFor();
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

/** A token of the local issuer. */
async function issueToken(sub: string, claims: object = {}): Promise<string> {
  const response = await fetch(new URL('/_local/token', beckon.pageUrl), {
    method: 'POST',
    body: JSON.stringify({ sub, ...claims }),
  });
  return ((await response.json()) as { readonly token: string }).token;
}

/** The places of what must not move when something else changes. */
function whereThingsAre({ page }: Person): Promise<unknown> {
  return Promise.all(
    ['#my-name', '#write-to', '#peer', '#text'].map((selector) => page.locator(selector).boundingBox()),
  );
}

function widthOf({ page }: Person): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth');
}
