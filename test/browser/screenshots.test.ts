import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { type BeckonProcess, startBeckon } from '../support/beckon-process.ts';
import { launchChromium } from '../support/chromium.ts';
import { Person, type PersonOptions } from './person.ts';

// Takes the README's pictures: UPDATE_SCREENSHOTS=1 npx vitest run --project browser test/browser/screenshots.test.ts

const IMAGES = 'docs/images';

describe.runIf(process.env['UPDATE_SCREENSHOTS'])('pictures', () => {
  let beckon: BeckonProcess;
  let browser: Browser;

  beforeAll(async () => {
    [beckon, browser] = await Promise.all([startBeckon(inject('searchApp')), launchChromium()]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), beckon?.kill()]);
  });

  it('of conversations', async () => {
    const desktop = { context: { viewport: { width: 1060, height: 720 }, deviceScaleFactor: 1.5 } };
    const phone = {
      context: { viewport: { width: 390, height: 760 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
    };
    const open = (name: string, options: PersonOptions) => Person.open(browser, beckon.pageUrl, name, options);
    const [alice, bob, carol] = await Promise.all([open('alice', desktop), open('bob', phone), open('carol', desktop)]);

    await alice.writeTo('dave');
    await alice.say('Welcome back! Call me when you have read this.');
    await alice.delivery('Welcome back!', 'Waits for dave');
    for (const person of [alice, bob, carol]) await person.joinRoom('release');
    await converse(carol, alice, 'Who writes the release notes?', 'Sent');
    await converse(bob, alice, 'I do. Alice has the numbers.', 'Sent');
    await converse(alice, bob, 'They are in the shared folder since this morning.', 'Sent');
    await converse(carol, alice, 'Great, then we are done at noon.', 'Sent');
    await bob.page.getByText('3 people are here').waitFor();
    await bob.page.screenshot({ path: `${IMAGES}/chat-phone.png` });

    await alice.writeTo('bob');
    await alice.say('Hi Bob! The build is green, and the release notes are ready.');
    await bob.writeTo('alice');
    await converse(bob, alice, 'Lovely. Can you send me the link?', 'Read');
    await converse(alice, bob, 'https://example.com/releases/2.4\nThe numbers are at the end.', 'Read');
    await carol.writeTo('alice');
    await carol.say('Lunch at noon?');
    await alice.contact('carol').getByLabel('1 unread').waitFor();
    await bob.page.getByRole('textbox', { name: 'Message' }).pressSequentially('Thanks!');
    await alice.page.getByText('bob is typing…').waitFor();
    await alice.page.screenshot({ path: `${IMAGES}/chat-desktop.png` });

    await bob.say('Thanks! Reading it on the train.');
    await alice.message('Thanks!').waitFor();
    await alice.page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await alice.cut(true);
    await alice.page.getByText(/^next attempt in/).waitFor();
    for (const text of ['I am in a tunnel now.', 'This goes out when I am through.']) await alice.say(text);
    await alice.delivery('This goes out', 'Queued');
    await alice.page.mouse.move(0, 0);
    await alice.page.screenshot({ path: `${IMAGES}/chat-dark.png` });
    await Promise.all([alice, bob, carol].map((person) => person.close()));
  });
});

async function converse(from: Person, to: Person, text: string, state: string): Promise<void> {
  await from.say(text);
  const line = text.split('\n')[0] ?? '';
  await to.message(line).waitFor();
  await from.delivery(line, state);
}
