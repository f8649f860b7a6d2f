/** Where this package is, with the files that it has beside its code: recipes, tokenizers, weights. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A path below the package's folder. */
export const packaged = (...path: string[]) =>
  join(dirname(createRequire(import.meta.url).resolve('tfjs-spikingformer/package.json')), ...path);
