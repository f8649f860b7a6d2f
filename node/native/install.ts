/**
 * Builds a project's tfjs-node, or tfjs-node-gpu, for a current TensorFlow, with this library's ops. It reports what is
 * missing first, builds separately, tests, and only then replaces.
 */
import { existsSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join, relative } from 'node:path';
import { lock } from '../files/lock';
import { defaultCacheDir } from '../files/npm_tarball';
import { build, findCompiler, sourcesDigest } from './build';
import { bindingFolder, OPS_FILE } from './ops';
import { type Proof, prove } from './proof';
import { findPip } from './python';
import { checkRequirements, findTfjsNode, type TfjsNode } from './requirements';
import { isBuilt, putInPlace, RECORD, recover, removeBuilt } from './swap';
import {
  cachedTensorflow,
  DEFAULT_VERSION,
  examineTensorflow,
  fetchTensorflow,
  findTensorflow,
  type Progress,
  tensorflowAt,
  wheelName,
} from './tensorflow';

export interface InstallOptions {
  /** The project with the tfjs-node. Default: the current folder. */
  project?: string;
  /** Python, its environment, or the folder of its tensorflow package. */
  tensorflow?: string;
  /** The TensorFlow release to find or to fetch. Default: any that is found, else 2.21.0. */
  version?: string;
  /** Whether to build for tfjs-node-gpu rather than tfjs-node. Default: the one that is installed. */
  gpu?: boolean;
  /** Whether to rebuild what is already in place. */
  force?: boolean;
  /** Default: `tfjs-spikingformer` in the user's cache folder. */
  cacheDir?: string;
  /** Called with one line per step. */
  log?: (line: string) => void;
  onUnpack?: Progress;
}

/** The steps that take a compiler or a network; tests replace them. */
const realSteps = { prove, build, findCompiler, findPip, findTensorflow, fetchTensorflow };
export type Steps = typeof realSteps;

/** In tfjs-node's folder: the lock, and the build in progress. */
const STAGING = '.spikingformer-build';

/** The content of `deps/spikingformer.json` in a built folder. */
interface Record {
  tensorflow: { version: string; folder: string; fetched: boolean };
  sources: string;
  binding: string;
}

export interface Installed extends Proof {
  tfjsNode: TfjsNode;
  /** Whether nothing had to be done. */
  unchanged: boolean;
}

function readRecord(folder: string): Record | undefined {
  if (!isBuilt(folder)) return undefined;
  try {
    const record: Partial<Record> = JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
    return typeof record.tensorflow?.folder === 'string' ? (record as Record) : undefined;
  } catch {
    return undefined;
  }
}

/** The TensorFlow to build for: the requested one, or the one in use, found, or cached; undefined: fetch one. */
function chooseTensorflow(
  options: InstallOptions,
  cacheDir: string,
  record: Record | undefined,
  steps: Steps,
  forGpu: boolean,
) {
  const { tensorflow, version, log = () => undefined } = options;
  if (tensorflow !== undefined) return tensorflowAt(tensorflow);
  const used = record && existsSync(record.tensorflow.folder) ? record.tensorflow : undefined;
  if (used && (!version || version === used.version)) {
    const found = examineTensorflow(used.folder);
    if (typeof found !== 'string') return { ...found, fetched: used.fetched };
  }
  const cached = () => cachedTensorflow(cacheDir, version ?? DEFAULT_VERSION, forGpu);
  const passedOver = (reason: string) => log(`passed over: ${reason}`);
  return steps.findTensorflow(version, forGpu, passedOver) ?? cached();
}

/** Why what is in place must be rebuilt; or the proof that it works. */
function examineBuilt(
  { folder }: TfjsNode,
  { tensorflow, version, force }: InstallOptions,
  record: Record | undefined,
  steps: Steps,
): string | Proof {
  if (!record) return 'not built yet';
  if (force) return 'asked for';
  const { tensorflow: used } = record;
  if (tensorflow !== undefined && tensorflowAt(tensorflow).folder !== used.folder) {
    return `built for TensorFlow in ${used.folder}`;
  }
  if (version !== undefined && version !== used.version) {
    return `built for TensorFlow ${used.version}`;
  }
  if (record.sources !== sourcesDigest()) return "this library's ops have changed";
  if (record.binding !== relative(folder, bindingFolder(folder))) return 'built for another Node';
  try {
    return steps.prove(folder, '', join(bindingFolder(folder), OPS_FILE));
  } catch (error) {
    return `it does not work: ${(error as Error).message}`;
  }
}

/**
 * Does all of it, or nothing.
 *
 * @throws Error that names what is missing or what failed; tfjs-node is then unchanged
 */
export async function installNative(
  options: InstallOptions = {},
  steps: Steps = realSteps,
): Promise<Installed> {
  const { project = process.cwd(), gpu, log = () => undefined } = options;
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  const tfjsNode = findTfjsNode(project, gpu);
  const { folder } = tfjsNode;
  log(`${tfjsNode.name} ${tfjsNode.version} in ${folder}`);

  const staging = join(folder, STAGING);
  const held = await lock(staging, { doing: 'native install' });
  try {
    if (recover(folder)) log('an earlier attempt was interrupted: undone');
    const record = readRecord(folder);
    const state = examineBuilt(tfjsNode, options, record, steps);
    if (typeof state !== 'string') return { tfjsNode, unchanged: true, ...state };
    if (record) log(`building anew: ${state}`);
    const forGpu = tfjsNode.name.endsWith('-gpu');
    let tensorflow = chooseTensorflow(options, cacheDir, record, steps, forGpu);
    const { compiler, pip } = await checkRequirements(tfjsNode, !tensorflow, cacheDir, steps);
    const version = options.version ?? DEFAULT_VERSION;
    log(`compiler: ${compiler.version}`);
    if (!tensorflow) {
      const through = `${pip!.python} -m pip (${pip!.version})`;
      log(`TensorFlow ${version}: fetching ${wheelName(forGpu)} through ${through}`);
      tensorflow = await steps.fetchTensorflow(
        pip!,
        version,
        cacheDir,
        options.onUnpack ?? (() => undefined),
        forGpu,
      );
    }
    log(`TensorFlow ${tensorflow.version} in ${tensorflow.folder}`);

    log('building the binding and the ops');
    const built = await steps.build(folder, tensorflow, compiler, staging);
    for (const lack of built.gpuLacks) log(`on a GPU the ops lack ${lack}`);
    const newRecord: Record = {
      tensorflow,
      sources: sourcesDigest(),
      binding: relative(folder, bindingFolder(folder)),
    };
    await fs.writeFile(join(staging, RECORD), `${JSON.stringify(newRecord, null, 2)}\n`);
    log('testing both by computing');
    steps.prove(folder, built.binding, built.ops);
    const proof = putInPlace(staging, folder, () =>
      steps.prove(folder, '', join(bindingFolder(folder), OPS_FILE)),
    );
    return { tfjsNode, unchanged: false, ...proof };
  } finally {
    held.release();
  }
}

/** Restores tfjs-node as it was before the first `installNative`. Returns whether there was anything to do. */
export async function removeNative(options: Pick<InstallOptions, 'project' | 'gpu'> = {}) {
  const tfjsNode = findTfjsNode(options.project ?? process.cwd(), options.gpu);
  const held = await lock(join(tfjsNode.folder, STAGING), { doing: 'native remove' });
  try {
    return { tfjsNode, removed: removeBuilt(tfjsNode.folder) };
  } finally {
    held.release();
  }
}
