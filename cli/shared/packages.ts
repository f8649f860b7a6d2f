/** Which TensorFlow.js packages a project has, where they are, and whether tfjs-node loads. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BUILT_WITHOUT_CUDA, OPS_INTERFACE } from '../../lib/kernels/tensorflow/native_ops';
import { bindingFolder, OPS_FILE } from '../../node/native/ops';
import { type Proof, prove } from '../../node/native/proof';
import { oneLine } from './errors';

export interface PackageCopy {
  version: string;
  path: string;
}

export interface NativeBackend extends PackageCopy, Partial<Proof> {
  name: string;
  loads: boolean;
  /** Why it does not load. */
  reason?: string;
  /** Why neurons are composed of stock operations there. */
  noOps?: string;
  /** Whether the native ops are built but do not work. */
  opsFail?: boolean;
}

const NATIVE = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
/** Packages that bring another tfjs-core when versions differ. */
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

/** This package and the project in the current directory: both import TensorFlow.js. */
const importers = [import.meta.url, join(process.cwd(), 'package.json')];

/** Every copy of tfjs-core: with two, tensors and classes of one do not work with the other. */
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

/** tfjs-node and tfjs-node-gpu as this package and the project resolve them. */
export function installedNativeBackends(): (PackageCopy & { name: string })[] {
  const found = new Map<string, PackageCopy & { name: string }>();
  for (const name of NATIVE) {
    for (const importer of importers) {
      const copy = find(name, importer);
      if (copy && !found.has(copy.path)) found.set(copy.path, { name, ...copy });
    }
  }
  return [...found.values()];
}

/** The same, with whether each loads and computes. */
export function nativeBackends(): NativeBackend[] {
  return installedNativeBackends().map((copy) => ({ ...copy, ...examine(copy) }));
}

function examine({ path }: PackageCopy): Omit<NativeBackend, 'name' | keyof PackageCopy> {
  let addon: string;
  try {
    addon = join(bindingFolder(path), OPS_FILE);
  } catch (error) {
    return { loads: false, reason: `its package.json is damaged: ${(error as Error).message}` };
  }
  const proven = (ops: string) => {
    try {
      return prove(path, '', ops);
    } catch (error) {
      return oneLine(error);
    }
  };
  const without = (noOps: string) => {
    const proof = proven('');
    return typeof proof === 'string'
      ? { loads: false, reason: proof }
      : { loads: true, ...proof, noOps };
  };
  if (!existsSync(addon)) return without('`spikingformer native install` builds an op for them');
  if (process.env.SPIKINGFORMER_NATIVE_OPS === '0') return without('SPIKINGFORMER_NATIVE_OPS is 0');
  const proof = proven(addon);
  if (typeof proof === 'string') return { ...without(proof), opsFail: true };
  if (proof.ops?.interface !== OPS_INTERFACE) {
    const other = 'the native op is of another version: run `spikingformer native install`';
    return { ...without(other), opsFail: true };
  }
  const failure = proof.gpu && !proof.ops.cuda ? BUILT_WITHOUT_CUDA : proof.gpuFailure;
  return { loads: true, ...proof, ...(failure && { noOps: failure, opsFail: true }) };
}
