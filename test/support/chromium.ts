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

/** Paths of installed browsers. Without one, the tests unpack the browser of the npm package. */
const PATHS = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'];

const installed = PATHS.find((path) => path !== undefined && existsSync(path));

/** Whether the browser has tabs in the background. The npm package's browser opens each page in a window of its own. */
export const hasTabs = installed !== undefined;

const FLAGS = [
  // Containers run tests as root, and the sandbox refuses root.
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  // The browser asks nothing of the internet.
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Text has the same width on every machine.
  '--font-render-hinting=none',
];

/** Starts a headless Chromium: an installed one, else the one of the package `@sparticuz/chromium`. */
export async function launchChromium(): Promise<Browser> {
  const { executablePath, env } = await findChromium();
  return chromium.launch({ executablePath, args: FLAGS, env: { ...process.env, ...env } });
}

/**
 * A Chromium with real tabs: only the front tab is visible, and Chromium throttles the others. Playwright's own browser
 * keeps every page visible and awake.
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
    // Attaching to a window while it opens may hang, so Chromium opens no window by itself.
    const own = ['--headless', '--no-startup-window', '--remote-debugging-port=0', `--user-data-dir=${directory}`];
    // A process group of its own, so `sleep` can stop all its processes.
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

  /** Stops every process without notice until {@link wake}, as a sleeping computer does. */
  sleep(): void {
    this.#signal('SIGSTOP');
  }

  wake(): void {
    this.#signal('SIGCONT');
  }

  /** Opens another tab in front of this one, and freezes this page until its tab is in front again. */
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

/** Reads the address of the DevTools from the output of a new Chromium. */
async function devToolsUrl(stderr: Readable): Promise<string> {
  for await (const line of createInterface(stderr)) {
    const [, url] = /^DevTools listening on (.*)$/.exec(line) ?? [];
    if (url === undefined) continue;
    // Read the rest too: a full pipe would block Chromium.
    stderr.resume();
    return url;
  }
  throw new Error('Chromium did not say where its DevTools are');
}

/** An executable and its extra environment variables. */
async function findChromium(): Promise<Unpacked> {
  return installed ? { executablePath: installed, env: {} } : unpackChromium();
}

interface Unpacked {
  readonly executablePath: string;
  /** The paths of its libraries and fonts. */
  readonly env: Readonly<Record<string, string>>;
}

/** Unpacks the browser once for each version of the package, and keeps it in the temporary folder. */
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

/** Unpacks into a folder of its own. Test processes may do so at once; the first one to finish gives its folder the final name. */
async function unpackInto(directory: string): Promise<void> {
  const own = await mkdtemp(`${directory}-`);
  // The package unpacks into its process's temporary folder, and unpacks its libraries only if it believes to be on Lambda.
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

/** The package's own file names the fonts' folder on Lambda. Without a font, the browser crashes at the first text field. */
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
