import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { type BeckonProcess, startBeckon } from '../support/beckon-process.ts';
import { launchChromium } from '../support/chromium.ts';
import { Person, type PersonOptions } from './person.ts';

// Takes the pictures of the README: UPDATE_SCREENSHOTS=1 npx vitest run --project browser

const IMAGES = 'docs/images';

describe.runIf(process.env['UPDATE_SCREENSHOTS'])('pictures', () => {
  let beckon: BeckonProcess;
  let browser: Browser;

  beforeAll(async () => {
    [beckon, browser] = await Promise.all([startBeckon(inject('app')), launchChromium()]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), beckon?.kill()]);
  });

  it('of a conversation', async () => {
    const desktop = { context: { viewport: { width: 960, height: 640 }, deviceScaleFactor: 1.5 } };
    const phone = {
      context: { viewport: { width: 375, height: 720 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
    };
    const open = (name: string, options: PersonOptions) => Person.open(browser, beckon.pageUrl, name, options);
    const [alice, bob, carol] = await Promise.all([open('alice', desktop), open('bob', phone), open('carol', desktop)]);

    await alice.writeTo('bob');
    await converse(alice, bob, 'Hi Bob! The build is green, and the release notes are ready.');
    await converse(bob, alice, 'Lovely. Can you send me the link?');
    await converse(alice, bob, 'https://example.com/releases/2.4\nThe numbers are at the end.');
    await converse(bob, alice, 'Thanks! Reading it on the train.');
    await carol.writeTo('alice');
    await carol.say('Lunch at noon?');
    await alice.page.getByRole('button', { name: /carol.*unread/ }).waitFor();

    await alice.page.screenshot({ path: `${IMAGES}/chat-desktop.png` });
    await bob.page.screenshot({ path: `${IMAGES}/chat-phone.png` });
    await alice.page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await alice.page.screenshot({ path: `${IMAGES}/chat-dark.png` });
    await Promise.all([alice, bob, carol].map((person) => person.close()));
  });
});

async function converse(from: Person, to: Person, text: string): Promise<void> {
  await from.say(text);
  const line = text.split('\n')[0] ?? '';
  await from.delivery(line, 'Delivered');
  await to.message(line).waitFor();
}
