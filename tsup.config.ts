/**
 * Builds dist/: one ESM and one CJS file an entry, with shared chunks, so that a class exists once
 * whichever entries are imported; types for both; and the command and the data workers,
 * as ESM only.
 */
import { copyFile } from 'node:fs/promises';
import { defineConfig } from 'tsup';

const library = {
  index: 'index.ts',
  'datasets/index': 'datasets/index.ts',
  'analysis/index': 'analysis/index.ts',
  'node/index': 'node/index.ts',
  'training/index': 'training/index.ts',
};

// A chunk has what the same entries reach: entries of their own keep optimizers and the Trainer apart from recipes, what
// models record of their data, and zod.
const apart = {
  'training/trainer': 'training/trainer.ts',
  'training/model_data': 'training/model_data.ts',
  'training/parse_recipe': 'training/parse_recipe.ts',
};

export default defineConfig({
  entry: {
    ...library,
    ...apart,
    'cli/index': 'cli/index.ts',
    'node/data_worker': 'node/data_worker.ts',
  },
  format: ['esm', 'cjs'],
  dts: { entry: library },
  splitting: true, // esbuild splits ESM only; tsup does it for CJS too when asked
  target: 'es2022',
  platform: 'neutral',
  external: [/^@tensorflow\//, /^node:/],
  // Its entry for browsers is an ES module whatever asks for it: jest's jsdom and Parcel fail on it.
  noExternal: ['yaml'],
  shims: true, // import.meta.url in CJS
  sourcemap: true,
  clean: true,
  esbuildOptions(options, { format }) {
    // package.json's sideEffects is about dist/; read for the sources, it would have esbuild drop
    // the imports that register kernels and layers.
    options.ignoreAnnotations = true;
    if (format === 'cjs') options.entryPoints = { ...library, ...apart };
  },
  onSuccess: () => copyFile('node_modules/yaml/LICENSE', 'dist/LICENSE.yaml'),
});
