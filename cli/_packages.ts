/** Which TensorFlow.js packages a project has, from where, and whether tfjs-node loads. */
import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PackageCopy {
  version: string;
  path: string;
}

export interface NativeBackend extends PackageCopy {
  name: string;
  loads: boolean;
  /** Why it does not load. */
  reason?: string;
}

const NATIVE = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
/** Packages that bring a tfjs-core of their own when versions differ. */
const DEPENDANTS = [
  'tfjs',
  'tfjs-layers',
  'tfjs-converter',
  'tfjs-backend-wasm',
  'tfjs-backend-cpu',
];

/** The package as `from`, a directory or a file, would import it. */
function find(name: string, from: string): PackageCopy | undefined {
  try {
    const file = createRequire(from).resolve(`${name}/package.json`);
    return {
      version: JSON.parse(readFileSync(file, 'utf8')).version,
      path: realpathSync(dirname(file)),
    };
  } catch {
    return undefined;
  }
}

/** This package and the project in the current directory: the two who import TensorFlow.js. */
const importers = [import.meta.url, join(process.cwd(), 'package.json')];

/** Every copy of tfjs-core: with two, tensors and classes of one are strangers to the other. */
export function copiesOfTfjs(): PackageCopy[] {
  const copies = new Map<string, PackageCopy>();
  for (const importer of importers) {
    const dependants = [...DEPENDANTS.map((name) => `@tensorflow/${name}`), ...NATIVE]
      .map((name) => find(name, importer))
      .filter((copy) => copy !== undefined);
    for (const from of [importer, ...dependants.map(({ path }) => join(path, 'package.json'))]) {
      const core = find('@tensorflow/tfjs-core', from);
      if (core) copies.set(core.path, core);
    }
  }
  return [...copies.values()];
}

// In a process of its own: a binding that does not fit its TensorFlow can end the process. The two
// functions are those that Node 23 removed and tfjs-node calls (see node/tfjs_node_shim.ts).
const LOAD = `
const util = require('util');
util.isNullOrUndefined ??= (v) => v == null;
util.isArray ??= Array.isArray;
const tf = require(process.argv[1]);
const sum = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).sum().arraySync();
if (sum !== 12) throw new Error('its matrix product is wrong: ' + sum);
`;

/** tfjs-node or tfjs-node-gpu, if installed, and whether it loads and computes. */
export function nativeBackends(): NativeBackend[] {
  const found = new Map<string, NativeBackend>();
  for (const name of NATIVE) {
    for (const importer of importers) {
      const copy = find(name, importer);
      if (!copy || found.has(copy.path)) continue;
      const child = spawnSync(process.execPath, ['-e', LOAD, copy.path], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      const loads = child.status === 0;
      found.set(copy.path, { name, ...copy, loads, ...(!loads && { reason: reasonOf(child) }) });
    }
  }
  return [...found.values()];
}

function reasonOf(child: ReturnType<typeof spawnSync>): string {
  if (child.error) return child.error.message;
  if (child.signal) return `its process was ended by ${child.signal}`;
  const lines = String(child.stderr).split('\n');
  return lines.find((line) => /^\w*Error: /.test(line)) ?? `it exited with ${child.status}`;
}
