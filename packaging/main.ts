/** `npm run build`: builds both packages, or the named one. */
import { build } from './build.ts';

const names = process.argv.slice(2);
await build(names.length > 0 ? names : undefined);
