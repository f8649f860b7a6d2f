/** How many bytes, gzipped, the files for script tags may have: `npm run size`, after a build. */
import { familyFiles } from './scripts/_page_families.mjs';

const file = (name, limit) => ({ path: `dist/${name}.min.js`, limit, gzip: true });

export default [
  file('spikingformer', '68.5 kB'),
  ...familyFiles.map((family) => file(`families/${family}`, '53.5 kB')),
  file('spikingformer-wasm', '27 kB'),
];
