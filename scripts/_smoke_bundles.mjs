/**
 * What a bundler makes of the packed package for a page: an import alone registers the classes, and
 * what is not used is not there: kilobytes, minified and gzipped, without TensorFlow.js.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { node, project, write } from './_smoke_project.mjs';

/** [import, the most KiB gzipped, packages that come with it]. */
const SIZES = [
  ["import 'tfjs-spikingformer'", 127, []],
  ["import { layers } from 'tfjs-spikingformer'; use(layers.lifNode)", 127, []],
  ["import { readIdx } from 'tfjs-spikingformer/datasets'; use(readIdx)", 2, []],
  ["import { energy } from 'tfjs-spikingformer/analysis'; use(energy)", 54, []],
  ["import { adamW } from 'tfjs-spikingformer/training'; use(adamW)", 52, []],
  ["import { Trainer } from 'tfjs-spikingformer/training'; use(Trainer)", 58, []],
  ["import { parseRecipe } from 'tfjs-spikingformer/training'; use(parseRecipe)", 150, ['zod']],
];

async function bundle(name, code) {
  write(`${name}.mjs`, code);
  const { outputFiles, metafile } = await build({
    absWorkingDir: project,
    entryPoints: [`${name}.mjs`],
    outfile: `${name}.out.mjs`,
    external: ['@tensorflow/*'], // the bundle then runs in Node too
    bundle: true,
    metafile: true,
    write: false,
    minify: true,
    platform: 'browser', // an import of a Node module is an error here
    format: 'esm',
    logLevel: 'silent',
  });
  write(`${name}.out.mjs`, outputFiles[0].text);
  const [{ inputs }] = Object.values(metafile.outputs);
  const files = Object.keys(inputs).filter((file) => inputs[file].bytesInOutput > 0);
  const packages = files.flatMap(
    (file) => /node_modules\/([^/]+)\/(?!.*node_modules)/.exec(file)?.[1] ?? [],
  );
  return {
    file: join(project, `${name}.out.mjs`),
    kib: gzipSync(outputFiles[0].contents).length / 1024,
    packages: [...new Set(packages)].filter((found) => found !== 'tfjs-spikingformer'),
  };
}

async function sizes() {
  const rows = [];
  for (const [code, limit, expected] of SIZES) {
    const { kib, packages } = await bundle('size', `const use = console.log;\n${code}`);
    rows.push(`${kib.toFixed(1).padStart(6)} KiB of ${limit}  ${code}`);
    if (kib > limit || packages.some((name) => !expected.includes(name))) {
      throw new Error(`${rows.at(-1)} brings ${packages.join(', ') || 'more code'}`);
    }
  }
  return rows.join('\n');
}

/** Every way in, for a page; then it runs, in Node. */
async function registers() {
  const code = `import { serialization } from '@tensorflow/tfjs';
    import 'tfjs-spikingformer';
    import 'tfjs-spikingformer/training';
    import * as datasets from 'tfjs-spikingformer/datasets';
    import * as analysis from 'tfjs-spikingformer/analysis';
    const { classNameMap } = serialization.SerializationMap.getMap();
    for (const name of ['LIFNode', 'SpikformerBlock', 'AdamW']) {
      if (!classNameMap[name]) throw new Error(name + ' was dropped');
    }
    console.log(Object.keys(datasets).length, Object.keys(analysis).length);`;
  const { file, kib } = await bundle('bundle', code);
  node([file]);
  return `${kib.toFixed(1)} KiB`;
}

export const bundleSteps = {
  'a bundle for a page registers every class': registers,
  'a bundle for a page has what it uses and no more': sizes,
};
