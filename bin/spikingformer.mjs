#!/usr/bin/env node
/** `spikingformer`: the built command in an installed package; in a clone its sources, through tsx. */
import { existsSync } from 'node:fs';

const sources = new URL('../cli/index.ts', import.meta.url);
if (existsSync(sources)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(sources.href);
} else {
  await import(new URL('../dist/cli/index.js', import.meta.url).href);
}
