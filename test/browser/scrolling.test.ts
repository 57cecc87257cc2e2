import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { chatPage } from './chat-page.ts';
import type { Person } from './person.ts';

// Conversations longer than the screen: loading, read positions, and the previews in the list.

const chat = chatPage();
const { open, post } = chat;

describe('scrolling up with the wheel', () => {
  it('loads nothing where nothing is earlier, and the page stays responsive', async () => {
    const said = lines('line', 27);
    await post('ben', { user: 'ann' }, said);
    const ann = await open('ann');
    await ann.writeTo('ben');
    await ann.message('line 26.').waitFor();
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

  it('loads each page once, and no page after the last', async () => {
    const said = lines('line', 70);
    await post('cleo', { room: 'long' }, said);
    const dirk = await open('dirk');
    await dirk.joinRoom('long');
    await dirk.message('line 69.').waitFor();
    const asked = historyFrames(dirk);
    await eventually(async () => {
      await wheelToTop(dirk);
      return dirk.texts();
    }).toEqual(said);
    await wheelToTop(dirk);
    // 70 messages are three pages of 30; the first is already there.
    expect(historyFrames(dirk) - asked).toBe(2);
    expect(await dirk.page.getByRole('button', { name: 'Earlier messages' }).isVisible()).toBe(false);
  });

  it('asks only once if the token does not allow it', async () => {
    const token = await chat.issueToken('gina', { capability: { 'user:*': ['send', 'presence'] } });
    const gina = await open('gina', {
      prepare: async (page) => {
        await page.route('**/_local/token', (route) => route.fulfill({ json: { token } }));
      },
    });
    await gina.writeTo('hugo');
    await post('hugo', { user: 'gina' }, lines('line', 27));
    await gina.message('line 26.').waitFor();
    await wheelToTop(gina);
    expect(historyFrames(gina)).toBe(1);
  });
});

describe('a message that arrives while the user reads further up', () => {
  it('counts as unread until it comes into view', async () => {
    const fay = await open('fay');
    await fay.writeTo('erik');
    await post('erik', { user: 'fay' }, lines('line', 30));
    await fay.message('line 29.').waitFor();
    await wheelToTop(fay);
    await post('erik', { user: 'fay' }, lines('later', 3));
    await fay.contact('erik').getByLabel('3 unread').waitFor();
    expect(await fay.page.title()).toBe('(3) Beckon');
    await fay.page.getByRole('button', { name: 'Newest messages: 3 are new' }).waitFor();
    // The next page shows the server's state.
    await fay.page.reload();
    await fay.contact('erik').getByLabel('3 unread').waitFor();
    await fay.openContact('erik');
    await fay.page.getByRole('log').getByText('New', { exact: true }).waitFor();
    await eventually(() => fay.page.title()).toBe('Beckon');
  });

  it('counts as read only if the user scrolled to it', async () => {
    const jan = await open('jan');
    await jan.writeTo('ines');
    await post('ines', { user: 'jan' }, lines('line', 30));
    await jan.message('line 29.').waitFor();
    await wheelToTop(jan);
    await post('ines', { user: 'jan' }, lines('later', 40));
    await jan.contact('ines').getByLabel('40 unread').waitFor();
    // Scroll until the first new messages are visible, and the last are not.
    await eventually(async () => {
      await jan.page.mouse.wheel(0, 100);
      return isInView(jan, 'later 3.');
    }).toBe(true);
    await eventually(() => unreadOf(jan)).toBeLessThan(38);
    expect(await unreadOf(jan)).toBeGreaterThan(0);
    await jan.page.locator('#log').press('End');
    await eventually(() => jan.page.title()).toBe('Beckon');
    expect(await jan.page.getByRole('button', { name: /unread/ }).count()).toBe(0);
  });
});

describe('the preview in the list', () => {
  it('does not return to an older message after a reload', async () => {
    await post('kurt', { room: 'news' }, lines('line', 30));
    const lena = await open('lena');
    await lena.joinRoom('news');
    await lena.message('line 29.').waitFor();
    await wheelToTop(lena);
    await post('kurt', { room: 'news' }, lines('newer', 3));
    const preview = lena.contact('#news').locator('.person-last');
    await eventually(() => preview.textContent()).toBe('kurt: newer 2.');
    await lena.page.reload();
    await lena.page.evaluate(RECORD_PREVIEWS);
    await lena.sees('Connected');
    await post('kurt', { room: 'news' }, ['newest']);
    await eventually(() => preview.textContent()).toBe('kurt: newest');
    const shown = await lena.page.evaluate<string[]>('previews');
    expect(shown.filter((text) => !['kurt: newer 2.', 'kurt: newest'].includes(text))).toEqual([]);
  });
});

/** Records the list's previews of the first conversation from now on. */
const RECORD_PREVIEWS = `
  globalThis.previews = [];
  new MutationObserver(() => {
    const text = document.querySelector('.person-last')?.textContent;
    if (text !== undefined && text !== previews.at(-1)) previews.push(text);
  }).observe(document.querySelector('#people'), { subtree: true, childList: true, characterData: true });
  0;
`;

function lines(word: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `${word} ${number}.`);
}

function historyFrames({ frames }: Person): number {
  return frames.filter((frame) => frame.includes('> {"action":"history"')).length;
}

async function unreadOf({ page }: Person): Promise<number> {
  return Number(/\d+/.exec(await page.title())?.[0] ?? 0);
}

/** Turns the wheel over the messages until they stop moving. */
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
