import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { chatPage } from './chat-page.ts';
import type { Person } from './person.ts';

// Conversations that are longer than the screen: what is loaded, what counts as read, and what the list shows of them.

const chat = chatPage();
const { open } = chat;

describe('scrolling up with the wheel', () => {
  it('asks for nothing where there is nothing earlier, and the page goes on answering', async () => {
    const ann = await open('ann');
    await ann.writeTo('ben');
    const said = lines(27);
    for (const text of said) await ann.say(text);
    await ann.delivery('line 26.', 'Waits for ben');
    const asked = historyFrames(ann);
    await wheelToTop(ann);
    await ann.page.getByRole('button', { name: 'Newest messages' }).click();
    await wheelToTop(ann);
    expect(historyFrames(ann)).toBe(asked);
    await ann.page.getByRole('button', { name: 'Newest messages' }).click();
    await ann.say('still here');
    await ann.delivery('still here', 'Waits for ben');
    expect(await ann.texts()).toEqual([...said, 'still here']);
  });

  it('asks once for each page, and keeps what is looked at where it is', async () => {
    const [cleo, dirk] = await Promise.all([open('cleo'), open('dirk')]);
    await cleo.joinRoom('long');
    const said = lines(70);
    for (const text of said) await cleo.say(text);
    await cleo.delivery('line 69.', 'Sent');
    await dirk.joinRoom('long');
    await dirk.message('line 69.').waitFor();
    const asked = historyFrames(dirk);
    await eventually(async () => {
      await wheelToTop(dirk);
      return dirk.texts();
    }).toEqual(said);
    await wheelToTop(dirk);
    // 70 messages are three pages of 30, of which the first was there.
    expect(historyFrames(dirk) - asked).toBe(2);
    expect(await dirk.page.getByRole('button', { name: 'Earlier messages' }).isVisible()).toBe(false);
  });

  it('asks once for what the token does not allow', async () => {
    const token = await issueToken('gina', { capability: { 'user:*': ['send', 'presence'] } });
    const gina = await open('gina', {
      prepare: async (page) => {
        await page.route('**/_local/token', (route) => route.fulfill({ json: { token } }));
      },
    });
    await gina.writeTo('hugo');
    for (const text of lines(27)) await gina.say(text);
    await gina.delivery('line 26.', 'Waits for hugo');
    await wheelToTop(gina);
    expect(historyFrames(gina)).toBe(1);
  });
});

describe('what comes while somebody reads further up', () => {
  it('is not read, is counted, and is read when it comes into view', async () => {
    const [erik, fay] = await Promise.all([open('erik'), open('fay')]);
    await erik.writeTo('fay');
    await fay.writeTo('erik');
    for (const text of lines(30)) await erik.say(text);
    await erik.delivery('line 29.', 'Read');
    await wheelToTop(fay);
    for (const text of ['later 1', 'later 2', 'later 3']) await erik.say(text);
    await fay.contact('erik').getByLabel('3 unread').waitFor();
    expect(await fay.page.title()).toBe('(3) Beckon');
    await erik.delivery('later 3', 'Delivered');
    await fay.page.getByRole('button', { name: 'Newest messages: 3 are new' }).waitFor();

    await fay.page.reload();
    await fay.contact('erik').getByLabel('3 unread').waitFor();
    await fay.openContact('erik');
    await erik.delivery('later 3', 'Read');
    expect(await fay.page.getByRole('button', { name: /unread/ }).count()).toBe(0);
  });

  it('is read as far as it was scrolled', async () => {
    const [ines, jan] = await Promise.all([open('ines'), open('jan')]);
    await ines.writeTo('jan');
    await jan.writeTo('ines');
    for (const text of lines(30)) await ines.say(text);
    await ines.delivery('line 29.', 'Read');
    await wheelToTop(jan);
    const later = Array.from({ length: 40 }, (_, number) => `later ${number}.`);
    for (const text of later) await ines.say(text);
    await jan.contact('ines').getByLabel('40 unread').waitFor();
    await jan.page.locator('#log').hover();
    // Until the first of the new ones is in sight, and not the last.
    await eventually(async () => {
      await jan.page.mouse.wheel(0, 100);
      return isInView(jan, 'later 3.');
    }).toBe(true);
    await ines.page.locator('#log').hover();
    await ines.delivery('later 3.', 'Read');
    await ines.delivery('later 39.', 'Delivered');
    await jan.page.getByRole('button', { name: /unread/ }).waitFor();
    await jan.page.keyboard.press('Tab');
    await jan.page.locator('#log').press('End');
    await ines.delivery('later 39.', 'Read');
    await eventually(() => jan.page.title()).toBe('Beckon');
  });
});

describe('the preview in the list', () => {
  it('does not go back to an older message when the page is loaded again', async () => {
    const [kurt, lena] = await Promise.all([open('kurt'), open('lena')]);
    await kurt.joinRoom('news');
    for (const text of lines(30)) await kurt.say(text);
    await kurt.delivery('line 29.', 'Sent');
    await lena.joinRoom('news');
    await lena.message('line 29.').waitFor();
    await wheelToTop(lena);
    for (const text of ['newer 1', 'newer 2', 'newer 3']) await kurt.say(text);
    const preview = lena.contact('#news').locator('.person-last');
    await eventually(() => preview.textContent()).toBe('kurt: newer 3');
    await lena.page.reload();
    await lena.page.evaluate(RECORD_PREVIEWS);
    await lena.sees('Connected');
    await kurt.say('newest');
    await eventually(() => preview.textContent()).toBe('kurt: newest');
    const shown = await lena.page.evaluate<string[]>('previews');
    expect(shown.filter((text) => !['kurt: newer 3', 'kurt: newest'].includes(text))).toEqual([]);
  });
});

/** Notes what the list shows of the first conversation from now on. */
const RECORD_PREVIEWS = `
  globalThis.previews = [];
  new MutationObserver(() => {
    const text = document.querySelector('.person-last')?.textContent;
    if (text !== undefined && text !== previews.at(-1)) previews.push(text);
  }).observe(document.querySelector('#people'), { subtree: true, childList: true, characterData: true });
  0;
`;

function lines(count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `line ${number}.`);
}

function historyFrames({ frames }: Person): number {
  return frames.filter((frame) => frame.includes('> {"action":"history"')).length;
}

/** Turns the wheel over the messages until they move no more. */
async function wheelToTop({ page }: Person): Promise<void> {
  const log = page.locator('#log');
  await log.hover();
  await eventually(async () => {
    await page.mouse.wheel(0, -1_000);
    return log.evaluate((element: { readonly scrollTop: number }) => element.scrollTop < 64);
  }).toBe(true);
}

function isInView({ page }: Person, text: string): Promise<boolean> {
  return page.evaluate<boolean>(`(() => {
    const bubbles = [...document.querySelectorAll('#messages .bubble')];
    const box = bubbles.find((bubble) => bubble.textContent === ${JSON.stringify(text)}).getBoundingClientRect();
    return box.bottom < document.querySelector('#log').getBoundingClientRect().bottom;
  })()`);
}

/** A token of the local issuer. */
async function issueToken(sub: string, claims: object): Promise<string> {
  const response = await fetch(new URL('/_local/token', chat.beckon.pageUrl), {
    method: 'POST',
    body: JSON.stringify({ sub, ...claims }),
  });
  return ((await response.json()) as { readonly token: string }).token;
}
