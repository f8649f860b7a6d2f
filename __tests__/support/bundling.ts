/** How the tests bundle sources that run in processes of their own. */
import type { BuildOptions } from 'esbuild';

export const bundling = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  ignoreAnnotations: true, // package.json's sideEffects is about dist/
  logLevel: 'warning',
} as const satisfies BuildOptions;
