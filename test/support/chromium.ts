import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

/** Where a browser is looked for before the one that npm brings along is unpacked. */
const INSTALLED = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'];

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
  const installed = INSTALLED.find((path) => path !== undefined && existsSync(path));
  const { executablePath, env } = installed ? { executablePath: installed, env: {} } : await unpackChromium();
  return chromium.launch({ executablePath, args: FLAGS, env: { ...process.env, ...env } });
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
