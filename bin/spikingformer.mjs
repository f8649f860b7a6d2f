#!/usr/bin/env node
/** `spikingformer`: the built command in an installed package; in a clone its sources, through tsx. */
import { existsSync } from 'node:fs';

const sources = new URL('../cli/index.ts', import.meta.url);
if (existsSync(sources)) {
  const { register } = await import('tsx/esm/api').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error('error: this clone has no node_modules yet: run npm ci in it');
    process.exit(1);
  });
  register();
  await import(sources.href);
} else {
  await import(new URL('../dist/cli/index.js', import.meta.url).href);
}
