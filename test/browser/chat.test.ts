import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type BeckonProcess, startBeckon } from '../support/beckon-process.ts';
import { launchChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { synthesizeApp } from '../support/synthesize.ts';
import { Person, type PersonOptions } from './person.ts';

// The demo page in a real browser, against the synthesized application.

const NARROW = { context: { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true } };

let app: string;
let beckon: BeckonProcess;
let browser: Browser;
const people: Person[] = [];

beforeAll(async () => {
  // As `npm start` has it: with what is needed to search.
  app = synthesizeApp(await mkdtemp(join(tmpdir(), 'beckon-chat-')), { search: 'true' });
  [beckon, browser] = await Promise.all([startBeckon(app), launchChromium()]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), beckon?.kill()]);
  await rm(app, { recursive: true });
});
afterEach(async () => {
  const complaints = people.flatMap((person) => person.complaints);
  await Promise.all(people.splice(0).map((person) => person.close()));
  expect(complaints).toEqual([]);
});

async function open(name: string, options?: PersonOptions, pageUrl = beckon.pageUrl): Promise<Person> {
  const person = await Person.open(browser, pageUrl, name, options);
  people.push(person);
  return person;
}

describe('messages', () => {
  it('go from user to user, and back', async () => {
    const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
    await alice.writeTo('bob');
    await alice.say('Hi Bob!');
    await alice.delivery('Hi Bob!', 'Delivered');
    await bob.openContact('alice');
    await bob.message('Hi Bob!').waitFor();
    await alice.delivery('Hi Bob!', 'Read');
    await bob.say('Hi Alice!\nHow are you?');
    await alice.message('How are you?').waitFor();
    await bob.delivery('How are you?', 'Read');
  });

  it('reach every device of a user', async () => {
    const [alice, ...devices] = await Promise.all([open('alice'), open('bob'), open('bob'), open('bob')]);
    await alice.writeTo('bob');
    await alice.say('to all of you');
    await alice.delivery('to all of you', 'Delivered');
    await Promise.all(
      devices.map(async (device) => {
        await device.openContact('alice');
        await device.message('to all of you').waitFor();
      }),
    );
  });

  it('wait for whoever is not there', async () => {
    const alice = await open('alice');
    await alice.writeTo('dave');
    await alice.say('are you there?');
    await alice.delivery('are you there?', 'Waits for dave');
    const dave = await open('dave');
    await dave.page.getByRole('button', { name: /^alice.*are you there\?/ }).click();
    await dave.message('are you there?').waitFor();
    await alice.delivery('are you there?', 'Read');
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
    await bob.openContact('alice');
    await bob.message(markup).waitFor();
    expect(await bob.page.locator('.log img, .log b, .people img, .people b').count()).toBe(0);
  });

  it('of a service can be read, and not answered', async () => {
    const zoe = await open('zoe');
    await notify('zoe');
    await zoe.openContact('notifier');
    await zoe.message('"by": "library"').waitFor();
    await zoe.message('"by": "invocation"').waitFor();
    expect(await zoe.page.getByRole('textbox', { name: 'Message' }).isVisible()).toBe(false);
    expect(await zoe.page.title()).toBe('Beckon');
    await zoe.writeTo('nobody');
    await zoe.say('I have got a notice');
    await zoe.delivery('I have got a notice', 'Waits for nobody');
  });

  it('that are too long are refused in plain words', async () => {
    const alice = await open('alice');
    await alice.writeTo('bob');
    await alice.say('x'.repeat(40_000));
    await alice.delivery('xxx', 'Not sent: it is too long');
  });
});

describe('how far a message has come', () => {
  it('is told from the queue to the eyes of the other', async () => {
    const [uma, vic] = await Promise.all([open('uma'), open('vic')]);
    await uma.writeTo('vic');
    await uma.page.getByText('Online', { exact: true }).waitFor();
    await uma.page.evaluate(RECORD_DELIVERIES);
    await uma.say('one step after the other');
    await uma.delivery('one step after the other', 'Delivered');
    await vic.openContact('uma');
    await uma.delivery('one step after the other', 'Read');
    expect(await uma.page.evaluate('deliveries')).toEqual(['Queued', 'Sent', 'Delivered', 'Read']);
  });

  it('is known after a reload', async () => {
    const [grace, heidi] = await Promise.all([open('grace'), open('heidi')]);
    await grace.writeTo('heidi');
    await grace.say('read by now');
    await heidi.openContact('grace');
    await grace.delivery('read by now', 'Read');
    await heidi.page.getByRole('button', { name: 'Sign out' }).click();
    await grace.say('not read yet');
    await grace.page.reload();
    await grace.openContact('heidi');
    await grace.delivery('read by now', 'Read');
    expect(await grace.texts()).toEqual(['read by now', 'not read yet']);
  });

  it('is seen on the other devices of whoever has sent it', async () => {
    const [phone, laptop, bob] = await Promise.all([open('ivan'), open('ivan'), open('bob')]);
    await phone.writeTo('bob');
    await phone.say('from the phone');
    await bob.openContact('ivan');
    await laptop.page.getByRole('button', { name: /^bob.*You: from the phone/ }).click();
    await laptop.delivery('from the phone', 'Read');
    expect(await laptop.texts()).toEqual(['from the phone']);
  });
});

describe('presence', () => {
  it('tells who is there, and who has gone', async () => {
    const [alice, judy] = await Promise.all([open('alice'), open('judy')]);
    await alice.writeTo('judy');
    await alice.page.getByText('Online', { exact: true }).waitFor();
    await alice.page.getByRole('button', { name: /^judy\s+online/ }).waitFor();
    await judy.close();
    await alice.page.getByText(/^Offline since/).waitFor();
    await alice.page.getByRole('button', { name: /^judy\s+offline/ }).waitFor();
    await alice.say('come back soon');
    await alice.delivery('come back soon', 'Waits for judy');
  });

  it('tells who is typing', async () => {
    const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
    await alice.writeTo('bob');
    await bob.writeTo('alice');
    await bob.page.getByRole('textbox', { name: 'Message' }).pressSequentially('hm');
    await alice.page.getByText('bob is typing…').waitFor();
    await bob.say('hm');
    await alice.message('hm').waitFor();
    await alice.page.getByText('bob is typing…').waitFor({ state: 'hidden' });
    expect(await alice.texts()).not.toContain('{"typing":true}');
  });
});

describe('the list of conversations', () => {
  it('survives a reload, the newest first, with what is unread', async () => {
    const [kim, lars] = await Promise.all([open('kim'), open('lars')]);
    await kim.writeTo('nobody');
    await kim.joinRoom('kitchen');
    await lars.writeTo('kim');
    for (const text of ['one', 'two', 'three']) await lars.say(text);
    await kim.page.getByRole('button', { name: /^lars.*three.*3 unread/ }).waitFor();
    await kim.page.getByRole('heading', { name: '#kitchen' }).waitFor();
    await kim.page.reload();
    await kim.page.getByRole('button', { name: /^lars.*three.*3 unread/ }).waitFor();
    const names = kim.page.locator('.person-name');
    expect(await names.allTextContents()).toEqual(['lars', '#kitchen', 'nobody']);
    await kim.openContact('lars');
    expect(await kim.page.title()).toBe('Beckon');
    await kim.page.getByRole('log').getByText('New', { exact: true }).waitFor();
    await lars.delivery('three', 'Read');
    await kim.page.reload();
    await kim.sees('Connected');
    await kim.openContact('nobody');
    await lars.say('four');
    await kim.page.getByRole('button', { name: /^lars.*four.*1 unread/ }).waitFor();
  });
});

describe('a room', () => {
  it('shows who is in it, and what they say', async () => {
    const [alice, bob, carol] = await Promise.all([open('alice'), open('bob'), open('carol')]);
    await alice.joinRoom('lobby');
    await bob.joinRoom('lobby');
    await alice.page.getByText('2 people are here').waitFor();
    await alice.say('who else?');
    await alice.delivery('who else?', 'Sent');
    await bob.message('who else?').waitFor();
    await carol.joinRoom('lobby');
    await carol.message('who else?').waitFor();
    for (const { page } of [alice, bob, carol]) await page.getByText('3 people are here').waitFor();
    const members = carol.page.getByRole('list', { name: 'Who is here' }).getByRole('listitem');
    expect((await members.allTextContents()).map((text) => text.trim().split(/\s+/).at(-1))).toEqual([
      'alice',
      'bob',
      'You',
    ]);
    await carol.say('me, too');
    for (const person of [alice, bob]) await person.message('me, too').getByText('carol').waitFor();
    await bob.page.getByRole('button', { name: 'Leave' }).click();
    await alice.page.getByText('2 people are here').waitFor();
    expect(await bob.contact('#lobby').count()).toBe(0);
  });

  it('is still joined after a reload, and has what was said before, page by page', async () => {
    const [mia, noah] = await Promise.all([open('mia'), open('noah')]);
    const said = Array.from({ length: 70 }, (_, number) => `line ${number} of seventy`);
    await mia.joinRoom('archive');
    for (const text of said) await mia.say(text);
    await mia.delivery('line 69 of seventy', 'Sent');
    await noah.joinRoom('archive');
    await noah.message('line 69 of seventy').waitFor();
    expect(await noah.texts()).toEqual(said.slice(-30));
    await noah.page.getByRole('button', { name: 'Earlier messages' }).click();
    await noah.message('line 10 of seventy').waitFor();
    await noah.page.evaluate("document.querySelector('#log').scrollTop = 0");
    await eventually(() => noah.texts()).toEqual(said);
    await noah.page.reload();
    await noah.sees('Connected');
    await mia.say('after the reload');
    await noah.page.getByRole('button', { name: /^#archive.*mia: after the reload/ }).waitFor();
  });
});

describe('searching', () => {
  it('finds what was said, and shows it', async () => {
    const [olga, pete] = await Promise.all([open('olga'), open('pete')]);
    await olga.writeTo('pete');
    await olga.say('The numbers are at the end');
    await olga.say('of something else');
    await pete.openContact('olga');
    await pete.page.getByRole('button', { name: 'Search in this conversation' }).click();
    await pete.page.getByLabel('Search for').fill('numb');
    const found = pete.page.getByRole('list', { name: 'Found' }).getByRole('button');
    await eventually(async () => {
      await pete.page.keyboard.press('Enter');
      await pete.page.getByText(/^(1 message|Nothing was found\.)$/).waitFor();
      return found.allTextContents();
    }).toEqual([expect.stringContaining('The numbers are at the end')]);
    await found.click();
    await pete.page.locator('.message.found:focus').getByText('The numbers are at the end').waitFor();
  });

  it('is not offered where there is no index', async () => {
    const other = await startBeckon(inject('app'));
    try {
      const alice = await open('alice', {}, other.pageUrl);
      const search = alice.page.getByRole('button', { name: 'Search in this conversation' });
      await alice.writeTo('bob');
      await alice.say('answered after the search was refused');
      await alice.delivery('answered after', 'Waits for bob');
      expect(await search.isVisible()).toBe(false);
    } finally {
      await other.kill();
    }
  });
});

describe('a connection that is cut', () => {
  it('in the middle of a burst loses nothing, doubles nothing and keeps the order', async () => {
    const [alice, bob] = await Promise.all([open('quinn'), open('rosa')]);
    await alice.writeTo('rosa');
    await bob.writeTo('quinn');
    const burst = Array.from({ length: 24 }, (_, number) => `burst ${number}.`);
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
    // In the order of the log, on either side.
    expect(await alice.texts()).toEqual(await bob.texts());
  });

  it('lets what is queued be sent by the next page', async () => {
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

  it('is told of, and comes back by itself when the network does', async () => {
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

  it('with a token that allows only sending does without the rest', async () => {
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
    const [xena, yuri] = await Promise.all([open('xena', NARROW), open('yuri')]);
    await xena.writeTo('xena');
    const place = await whereThingsAre(xena);
    const { port } = beckon;
    await beckon.kill();
    await Promise.all([xena.sees('Connection lost'), yuri.sees('Connection lost')]);
    await xena.page.getByText(/^next attempt in \d+ s$/).waitFor();
    await xena.page.getByText('Sent as soon as the connection is back.').waitFor();
    await xena.say('a note to myself');
    await xena.delivery('a note to myself', 'Queued');
    expect(await whereThingsAre(xena)).toEqual(place);

    beckon = await startBeckon(app, port);
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
    await bob.openContact('alice');
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

/** Notes each state that the message goes through which is said next. */
const RECORD_DELIVERIES = `
  globalThis.deliveries = [];
  new MutationObserver(() => {
    const state = document.querySelector('#messages .message:last-child .delivery')?.textContent;
    if (state && state !== deliveries.at(-1)) deliveries.push(state);
  }).observe(document.querySelector('#messages'), { subtree: true, childList: true, characterData: true });
  0;
`;

/** Has another Lambda of the application send to a user. */
async function notify(user: string): Promise<void> {
  const endpoint = new URL(beckon.pageUrl).origin;
  const response = await fetch(new URL('/_local/health', endpoint));
  const { outputs } = (await response.json()) as {
    readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const lambda = new LambdaClient({ endpoint, region: 'us-east-1', credentials });
  const Payload = JSON.stringify({ user });
  const { FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: outputs['Beckon']?.['ExportNotifierName'], Payload }),
  );
  expect(FunctionError).toBeUndefined();
}

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
    ['#my-name', '#connection', '#peer', '#log', '#text'].map((selector) => page.locator(selector).boundingBox()),
  );
}

function widthOf({ page }: Person): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth');
}
