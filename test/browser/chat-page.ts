import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { MAX_MESSAGES_PER_FRAME } from '../../protocol/limits.ts';
import { type BeckonProcess, startBeckon } from '../support/beckon-process.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectWire } from '../support/wire-client.ts';
import { Person, type PersonOptions } from './person.ts';

/** The demo page in a real browser, with the synthesized application behind it. */
export interface ChatPage {
  readonly beckon: BeckonProcess;
  /** Starts the killed application again at the same address. */
  restart(): Promise<void>;
  /** Opens the page for a person until the test ends. */
  open(name: string, options?: PersonOptions, pageUrl?: string): Promise<Person>;
  /** Sends these texts in order as a user without a page. Resolves when the server has acknowledged them. */
  post(
    from: string,
    to: { readonly user: string } | { readonly room: string },
    texts: readonly string[],
  ): Promise<void>;
  /** A token of the local issuer. */
  issueToken(sub: string, claims?: object): Promise<string>;
}

/** Provides the page to the tests of a file. An error on any page fails the test. */
export function chatPage(): ChatPage {
  let beckon: BeckonProcess;
  let browser: Browser;
  const people: Person[] = [];

  beforeAll(async () => {
    // As `npm start` runs it: with search.
    [beckon, browser] = await Promise.all([startBeckon(inject('searchApp')), launchChromium()]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), beckon?.kill()]);
  });
  afterEach(async ({ task }) => {
    const closed = people.splice(0);
    await Promise.all(closed.map((person) => person.close()));
    if (task.result?.state === 'fail') process.stderr.write(await history(beckon, closed));
    const complaints = closed.flatMap((person) => person.complaints);
    expect(complaints).toEqual([]);
  });

  const issueToken: ChatPage['issueToken'] = async (sub, claims = {}) => {
    const body = JSON.stringify({ sub, ...claims });
    const response = await fetch(new URL('/_local/token', beckon.pageUrl), { method: 'POST', body });
    return ((await response.json()) as { readonly token: string }).token;
  };
  return {
    issueToken,
    post: async (from, to, texts) => {
      const headers = { Authorization: `Bearer ${await issueToken(from)}` };
      const wire = await connectWire(`${beckon.pageUrl.replace('http', 'ws')}prod`, { headers });
      await wire.ask({ action: 'register' });
      for (let first = 0; first < texts.length; first += MAX_MESSAGES_PER_FRAME) {
        const messages = texts.slice(first, first + MAX_MESSAGES_PER_FRAME).map((text) => ({ to, data: { text } }));
        expect(await wire.ask({ action: 'sendMessage', messages })).toMatchObject({ type: 'ack' });
      }
      wire.socket.close();
    },
    get beckon() {
      return beckon;
    },
    restart: async () => {
      beckon = await startBeckon(inject('searchApp'), beckon.port);
    },
    open: async (name, options, pageUrl = beckon.pageUrl) => {
      const person = await Person.open(browser, pageUrl, name, options);
      people.push(person);
      return person;
    },
  };
}

/** Returns the latest actions of pages and functions, in order of time. */
async function history(beckon: BeckonProcess, people: readonly Person[]): Promise<string> {
  const response = await fetch(new URL('/_local/log', beckon.pageUrl));
  const entries = (await response.json()) as readonly { at: string; level: string; source: string; message: string }[];
  const logged = entries.filter(({ level }) => level !== 'debug');
  const lines = logged.map(({ at, source, message }) => `${at} ${source} ${message.slice(0, 400)}`);
  return `${[...lines, ...people.flatMap(({ frames }) => frames)].sort().slice(-300).join('\n')}\n`;
}
