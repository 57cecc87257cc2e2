/** `npm run build`: builds the packages. The name of one builds that only. */
import { build } from './build.ts';

const names = process.argv.slice(2);
await build(names.length > 0 ? names : undefined);
