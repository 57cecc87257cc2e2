import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, inject, it } from 'vitest';
import { startBeckon } from '../support/beckon-process.ts';
import { eventually } from '../support/eventually.ts';
import { chatPage } from './chat-page.ts';

// How people use the demo page together.

const chat = chatPage();
const { open, post } = chat;

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

  it('wait for an offline user', async () => {
    const alice = await open('alice');
    await alice.writeTo('dave');
    await alice.say('are you there?');
    await alice.delivery('are you there?', 'Waits for dave');
    const dave = await open('dave');
    await dave.page.getByRole('button', { name: /^alice.*are you there\?/ }).click();
    await dave.message('are you there?').waitFor();
    await alice.delivery('are you there?', 'Read');
  });

  it('of others are unread in the list until they are read', async () => {
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

  it('are shown as text, even if they look like HTML', async () => {
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

  it('that are too long are refused with a clear text', async () => {
    const alice = await open('alice');
    await alice.writeTo('bob');
    await alice.say('x'.repeat(300_000));
    await alice.delivery('xxx', 'Not sent: it is too long');
  });
});

describe('the delivery state of a message', () => {
  it('goes from queued to read', async () => {
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

  it('survives a reload', async () => {
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
    // The next page sends the message again that was under way, and then finds it in the history.
    await eventually(() => grace.texts()).toEqual(['read by now', 'not read yet']);
  });

  it('appears on the sender’s other devices', async () => {
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
  it('shows who is online and who is offline', async () => {
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

  it('shows who is typing', async () => {
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
  it('survives a reload, the newest first, with the unread counts', async () => {
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
  it('shows its members and their messages', async () => {
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

  it('stays joined after a reload, and shows earlier messages page by page', async () => {
    const [mia, noah] = await Promise.all([open('mia'), open('noah')]);
    const said = Array.from({ length: 70 }, (_, number) => `line ${number} of seventy`);
    await post('mia', { room: 'archive' }, said);
    await mia.joinRoom('archive');
    await noah.joinRoom('archive');
    await noah.message('line 69 of seventy').waitFor();
    expect(await noah.texts()).toEqual(said.slice(-30));
    // A mouse click would scroll first, and scrolling loads more.
    await noah.page.getByRole('button', { name: 'Earlier messages' }).dispatchEvent('click');
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
  it('finds a message, and shows it', async () => {
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

  it('is hidden without an index', async () => {
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

/** Records each state of the next message. */
const RECORD_DELIVERIES = `
  globalThis.deliveries = [];
  new MutationObserver(() => {
    const state = document.querySelector('#messages .message:last-child .delivery')?.textContent;
    if (state && state !== deliveries.at(-1)) deliveries.push(state);
  }).observe(document.querySelector('#messages'), { subtree: true, childList: true, characterData: true });
  0;
`;

/** Sends to a user from another Lambda of the application. */
async function notify(user: string): Promise<void> {
  const endpoint = new URL(chat.beckon.pageUrl).origin;
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
