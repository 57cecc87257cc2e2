import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCUMENT = join(import.meta.dirname, '../../docs/testing.md');

/** Returns the files in docs/testing.md by name: each code block whose first line is a comment with a name. */
export function testingExamples(): Readonly<Record<string, string>> {
  const blocks = readFileSync(DOCUMENT, 'utf8').matchAll(/\n```js\n\/\/ (\S+)\n(.*?)```/gs);
  return Object.fromEntries([...blocks].map(([, name = '', code = '']) => [name, code]));
}
