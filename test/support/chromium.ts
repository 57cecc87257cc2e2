import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Where a browser is looked for before the one that npm brings along is unpacked. */
const PATHS = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'];

const installed = PATHS.find((path) => path !== undefined && existsSync(path));

/** Whether a page can be behind another one: for the browser that npm brings along, every page is a window of its own. */
export const hasTabs = installed !== undefined;

const FLAGS = [
  // Containers run tests as root, which the sandbox refuses.
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  // Nothing is asked of the internet.
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The same text is as wide everywhere.
  '--font-render-hinting=none',
];

/** A real Chromium without a window: an installed one, or else the one inside the package `@sparticuz/chromium`. */
export async function launchChromium(): Promise<Browser> {
  const { executablePath, env } = await findChromium();
  return chromium.launch({ executablePath, args: FLAGS, env: { ...process.env, ...env } });
}

/**
 * A Chromium as people have it: of its tabs only the one in front is visible, and the others are throttled. Playwright's
 * own keeps every page visible and awake.
 */
export class ChromiumWindow {
  readonly context: BrowserContext;
  readonly #signal: (name: NodeJS.Signals) => void;
  readonly #end: () => Promise<void>;

  private constructor(context: BrowserContext, signal: (name: NodeJS.Signals) => void, end: () => Promise<void>) {
    this.context = context;
    this.#signal = signal;
    this.#end = end;
  }

  static async open(): Promise<ChromiumWindow> {
    const { executablePath, env } = await findChromium();
    const directory = await mkdtemp(join(tmpdir(), 'beckon-window-'));
    // Whoever attaches to a window while it is being opened may wait for an answer for ever, so none opens by itself.
    const own = ['--headless', '--no-startup-window', '--remote-debugging-port=0', `--user-data-dir=${directory}`];
    // A process group of its own, which can be stopped as a whole.
    const chrome = spawn(executablePath, [...FLAGS, ...own], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const exited = once(chrome, 'exit');
    const signal = (name: NodeJS.Signals) => process.kill(-(chrome.pid ?? 0), name);
    const kill = () => signal('SIGKILL');
    process.once('exit', kill);
    const end = async () => {
      process.off('exit', kill);
      kill();
      await exited;
      await rm(directory, { recursive: true, maxRetries: 5 });
    };
    try {
      const browser = await chromium.connectOverCDP(await devToolsUrl(chrome.stderr), { noDefaults: true });
      const [context] = browser.contexts();
      if (!context) throw new Error('Chromium has no default context');
      return new ChromiumWindow(context, signal, end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** Stops everything at once, as a computer does that goes to sleep: nobody is told. Until {@link wake}. */
  sleep(): void {
    this.#signal('SIGSTOP');
  }

  wake(): void {
    this.#signal('SIGCONT');
  }

  /** Opens another tab in front of this one, and has the page frozen there until its tab is in front again. */
  async freeze(page: Page): Promise<void> {
    await this.hide(page);
    const session = await this.context.newCDPSession(page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await session.detach();
  }

  /** Opens another tab in front of this one. */
  async hide(page: Page): Promise<void> {
    const other = await this.context.newPage();
    await other.bringToFront();
    await page.waitForFunction("document.visibilityState === 'hidden'", undefined, { polling: 50 });
  }

  async close(): Promise<void> {
    await this.#end();
  }
}

/** Where a Chromium that has just been started says that its DevTools are. */
async function devToolsUrl(stderr: Readable): Promise<string> {
  for await (const line of createInterface(stderr)) {
    const [, url] = /^DevTools listening on (.*)$/.exec(line) ?? [];
    if (url === undefined) continue;
    // What else it complains about must not fill the pipe.
    stderr.resume();
    return url;
  }
  throw new Error('Chromium did not say where its DevTools are');
}

/** An executable, and what to add to its environment. */
async function findChromium(): Promise<Unpacked> {
  return installed ? { executablePath: installed, env: {} } : unpackChromium();
}

interface Unpacked {
  readonly executablePath: string;
  /** Where it finds the libraries and fonts that it was unpacked with. */
  readonly env: Readonly<Record<string, string>>;
}

/** Unpacks the browser once for each version of the package; the folder in the system's temporary folder is kept. */
async function unpackChromium(): Promise<Unpacked> {
  const require = createRequire(import.meta.url);
  const manifest = join(require.resolve('@sparticuz/chromium'), '../../../package.json');
  const { version } = require(manifest) as { readonly version: string };
  const directory = join(tmpdir(), `beckon-chromium-${version}`);
  if (!existsSync(directory)) await unpackInto(directory);
  return {
    executablePath: join(directory, 'chromium'),
    env: { LD_LIBRARY_PATH: join(directory, 'al2023/lib'), FONTCONFIG_FILE: join(directory, 'fonts.conf') },
  };
}

/** Other test processes may be doing the same: each unpacks by itself, and the first one's folder gets the name. */
async function unpackInto(directory: string): Promise<void> {
  const own = await mkdtemp(`${directory}-`);
  // The package unpacks into the temporary folder of its process, and its libraries only on what it takes for Lambda.
  const env = { ...process.env, TMPDIR: own, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' };
  const unpack = "await (await import('@sparticuz/chromium')).default.executablePath()";
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', unpack], { env });
  await writeFile(join(own, 'fonts.conf'), fontConfiguration(directory));
  try {
    await rename(own, directory);
  } catch (error) {
    await rm(own, { recursive: true });
    if (!existsSync(directory)) throw error;
  }
}

/** The package's own says where its fonts are on Lambda. Without any font, the browser crashes at the first text field. */
function fontConfiguration(directory: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${directory}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${directory}/fonts-cache</cachedir>
</fontconfig>
`;
}
