/**
 * The types as they are packed: every exported type of every entry is named, and the files of types
 * are checked too (skipLibCheck false), under each way of resolving. Faults inside TensorFlow.js's
 * own files are its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './_pack.mjs';
import { node, write } from './_smoke_project.mjs';

/** A row of a type in __tests__/package/surface/*.txt: its name and type parameters. */
const TYPE = /^(\S+) {2}(?:(?:abstract )?class|type)(?:<(.*?)>)?(?: |$)/gm;

/** A module that names every type that the entries export. */
function everyType(entries) {
  const lines = [];
  for (const [name, path] of Object.entries(entries)) {
    lines.push(`import type * as ${name} from 'tfjs-spikingformer${path}';`);
    const file = join(root, '__tests__/package/surface', `${path.slice(1) || 'index'}.txt`);
    for (const [, type, parameters] of readFileSync(file, 'utf8').matchAll(TYPE)) {
      const any = parameters ? `<${parameters.split(',').map(() => 'any')}>` : '';
      lines.push(`export type T${lines.length} = ${name}.${type}${any};`);
    }
  }
  return lines.join('\n');
}

/**
 * Editors complete names of presets and surrogates, which also take names of the user's own. A union that has become
 * plain `string` accepts the lines marked as errors, and tsc then reports the marks as unused.
 */
const COMPLETED = `
import { layers, models, type AnySurrogateName, type SurrogateName } from 'tfjs-spikingformer';
type IsUnion<T extends string> = string extends T ? false : true;
export const listed: [IsUnion<models.PresetName>, IsUnion<SurrogateName>] = [true, true];
export const preset: models.PresetName = 'spikingformer-4-384-cifar10';
// @ts-expect-error
export const noPreset: models.PresetName = 'spikingformer-4-384-cifar11';
export const surrogate: SurrogateName = 'atan';
// @ts-expect-error
export const noSurrogate: SurrogateName = 'arctan';
export const own: [models.AnyPresetName, AnySurrogateName] = ['my-preset', 'mySurrogate'];
models.create(preset);
models.create('my-preset');
models.presetConfig(preset);
layers.lifNode({ surrogate });
layers.lifNode({ surrogate: 'mySurrogate' });
`;

/** Throws on what tsc has against a file, but for what is TensorFlow.js's. */
function typeCheck(name, file, options) {
  const compilerOptions = {
    strict: true,
    target: 'ES2022',
    noEmit: true,
    types: ['node'],
    ...options,
  };
  write(`tsconfig.${name}.json`, { compilerOptions, files: [file] });
  try {
    node(['node_modules/typescript/bin/tsc', '--pretty', 'false', '-p', `tsconfig.${name}.json`]);
  } catch (error) {
    const faults = error.message.split('\n').filter((line) => /error TS\d+/.test(line));
    const ours = faults.filter((line) => !/^node_modules\/@tensorflow\//.test(line));
    if (faults.length === 0 || ours.length > 0) throw new Error(ours.join('\n') || error.message);
  }
}

const node16 = { module: 'Node16', moduleResolution: 'Node16' };
const nodeNext = { module: 'NodeNext', moduleResolution: 'NodeNext' };
const bundler = { module: 'ESNext', moduleResolution: 'Bundler' };
const node10 = { module: 'CommonJS', moduleResolution: 'Node10', skipLibCheck: true };

export function typeSteps(example, entries) {
  const step = (name, file, text, options) => [
    `types, ${name}`,
    () => {
      write(file, text);
      typeCheck(name.replace(/\W+/g, '-'), file, options);
    },
  ];
  const every = everyType(entries);
  return Object.fromEntries([
    step('every one, node16, ESM', 'types.mts', every, node16),
    step('every one, node16, CJS', 'types.cts', every, node16),
    step('every one, nodenext', 'types.mts', every, nodeNext),
    step('every one, bundler', 'types.mts', every, bundler),
    step('every one, node10', 'types.ts', every, node10), // tfjs-layers does not compile there unskipped
    step('names of presets and surrogates', 'names.mts', COMPLETED, nodeNext),
    step('README, node16, ESM', 'example.mts', example, node16),
    step('README, node16, CJS', 'example.cts', example, node16),
    step('README, bundler', 'example.mts', example, bundler),
    step('README, node10', 'example.ts', example, node10),
  ]);
}
