/** How many bytes, gzipped, the files for script tags may have: `npm run size`, after a build. */
import { familyFiles } from './scripts/_page_families.mjs';

const file = (name, limit) => ({ path: `dist/${name}.min.js`, limit, gzip: true });

export default [
  file('spikingformer', '70.5 kB'),
  ...familyFiles.map((family) => file(`families/${family}`, '55 kB')),
  file('spikingformer-wasm', '28 kB'),
];
