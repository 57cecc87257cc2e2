import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';

/** A person at the demo page, in a browser profile of their own. */
export class Person {
  readonly name: string;
  readonly page: Page;
  /** The browser's complaints: script errors, violations of the content security policy. */
  readonly complaints: string[] = [];
  /** The frames of the page's sockets. */
  readonly frames: string[] = [];

  private constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
    page.on('websocket', (socket) => {
      const note = (what: string) => this.frames.push(`${new Date().toISOString()} ${name} ${what.slice(0, 400)}`);
      note('opens');
      socket.on('framesent', ({ payload }) => note(`> ${payload}`));
      socket.on('framereceived', ({ payload }) => note(`< ${payload}`));
      socket.on('close', () => note('is closed'));
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      // Browsers log network failures by themselves, even those that the page handles.
      const ofNetwork = /^(Failed to load resource|WebSocket connection)/.test(message.text());
      if (message.type() === 'error' && !ofNetwork) this.complaints.push(message.text());
    });
  }

  /** Opens the page, and by default signs in. */
  static async open(browser: Browser, url: string, name: string, options: PersonOptions = {}): Promise<Person> {
    const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB', ...options.context });
    const person = new Person(name, await context.newPage());
    await options.prepare?.(person.page);
    await person.page.goto(url);
    if (options.signIn !== false) await person.signIn();
    return person;
  }

  async signIn(): Promise<void> {
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.keyboard.press('Enter');
    await this.sees('Connected');
  }

  /** Waits until the page shows this text as the connection's state. */
  async sees(status: string): Promise<void> {
    await this.page.getByRole('status').getByText(status, { exact: true }).waitFor();
  }

  async writeTo(name: string): Promise<void> {
    const back = this.page.getByRole('button', { name: 'All conversations' });
    if (await back.isVisible()) await back.click();
    await this.page.getByLabel('Write to').fill(name);
    await this.page.keyboard.press('Enter');
    await this.page.getByRole('heading', { name }).waitFor();
  }

  /** The list entry of a user, or of a room with its "#". */
  contact(name: string): Locator {
    return this.page
      .getByRole('navigation', { name: 'Conversations' })
      .getByRole('button', { name: startingWith(name) });
  }

  /** Opens a conversation of the list. */
  async openContact(name: string): Promise<void> {
    await this.contact(name).click();
    await this.page.getByRole('heading', { name, exact: true }).waitFor();
  }

  async joinRoom(room: string): Promise<void> {
    await this.page.getByRole('radio', { name: 'Room' }).check();
    await this.page.getByLabel('Join the room').fill(room);
    await this.page.keyboard.press('Enter');
    await this.page.getByRole('heading', { name: `#${room}`, exact: true }).waitFor();
  }

  /** The texts of the open conversation, in order. */
  async texts(): Promise<readonly string[]> {
    return this.page.locator('#messages .bubble').allTextContents();
  }

  /** Makes the page's connections fail, or restores them. */
  async cut(isCut: boolean): Promise<void> {
    const control = this.page.getByRole('switch', { name: 'Cut the connection' });
    await control.click();
    await control.and(this.page.locator(`[aria-checked="${isCut}"]`)).waitFor();
  }

  /** Sends a text to the open conversation. */
  async say(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Message' }).fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** A message in the open conversation, by its text. */
  message(text: string): Locator {
    return this.page.getByRole('log').getByRole('listitem').filter({ hasText: text });
  }

  /** Waits until a sent message shows this delivery state. */
  async delivery(text: string, state: string): Promise<void> {
    await this.message(text).getByText(state, { exact: true }).waitFor();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

export interface PersonOptions {
  readonly context?: BrowserContextOptions;
  /** Default: true. */
  readonly signIn?: boolean;
  /** Runs before the page opens. */
  readonly prepare?: (page: Page) => Promise<void>;
}

function startingWith(name: string): RegExp {
  return new RegExp(`^${name.replace(/[^\w]/g, '\\$&')}\\b`);
}
