/**
 * Compiles tfjs-node's binding, from the sources in its npm package, and this library's ops for a given TensorFlow. It
 * calls the compiler directly, without make, node-gyp or Python.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { OPS_INTERFACE } from '../../lib/kernels/tensorflow/native_ops';
import { hashOf } from '../files/hash';
import { inParallel } from '../files/in_parallel';
import { readNpmTarball } from '../files/npm_tarball';
import { compileKernels, findNvrtc, gpuSources, KERNELS_FOLDER } from './cuda';
import { layOutTensorflow } from './lay_out';
import { bindingFolder, OPS_FILE } from './ops';
import { minutes, run, runAsync, seconds } from './process';
import { LIBRARIES, type Tensorflow } from './tensorflow';

const BINDING_FILE = 'tfjs_binding.node';

/** The C++ sources of this library's ops. */
const sourcesFolder = () =>
  join(
    dirname(createRequire(import.meta.url).resolve('tfjs-spikingformer/package.json')),
    'native',
  );

/** A digest that changes when the ops' sources do. */
export function sourcesDigest(folder = sourcesFolder()): string {
  const names = ['.', 'cuda'].flatMap((room) =>
    readdirSync(join(folder, room)).map((name) => join(room, name)),
  );
  const sources = names.filter((name) => /\.(cc|h|cu|cuh)$/.test(name));
  const parts = sources.sort().flatMap((name) => [name, readFileSync(join(folder, name))]);
  return hashOf(parts).slice(0, 16);
}

/** The instruction sets of the loops, chosen when the ops are loaded, so that a built folder may be moved. */
const instructionSets: Record<string, string[]> = {
  baseline: [],
  ...(process.arch === 'x64' && {
    avx2: ['-mavx2', '-mfma'],
    avx512: [
      ...['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl'],
      '-mprefer-vector-width=512',
    ],
  }),
};

/** Time limits for a compiler to print its version, to compile one file, to link one library. */
const TRY_LIMIT = seconds(30);
const COMPILE_LIMIT = minutes(30);
const LINK_LIMIT = minutes(10);

export interface Compiler {
  command: string;
  version: string;
}

/** The C++ compiler in $CXX, or the first common one that compiles C++17; or the reason why there is none. */
export function findCompiler(): Compiler | string {
  const reasons: string[] = [];
  for (const command of process.env.CXX ? [process.env.CXX] : ['g++', 'clang++', 'c++']) {
    const { status, stdout, stderr } = run(command, ['--version'], TRY_LIMIT);
    if (status !== 0) {
      reasons.push(`${command} does not run: ${stderr.trim() || `status ${status}`}`);
      continue;
    }
    const program = '#include <optional>\nint main() { return std::optional<int>(0).value(); }';
    const flags = ['-std=c++17', '-xc++', '-fsyntax-only', '-'];
    const tried = run(command, flags, TRY_LIMIT, { input: program });
    const version = (stdout.trim() || stderr.trim()).split('\n', 1)[0]!;
    if (tried.status === 0 && version !== '') return { command, version };
    const why =
      tried.stderr.trim().split('\n', 1)[0] || `it prints nothing, status ${tried.status}`;
    reasons.push(`${command} does not compile C++17: ${why}`);
  }
  return reasons.join(', ');
}

/** Headers of Node-API; the same for every supported Node. */
const HEADERS = {
  name: 'node-api-headers',
  version: '1.7.0',
  integrity:
    'sha512-uJMGdkhVwu9+I3UsVvI3KW6ICAy/yDfsu5Br9rSnTtY3WpoaComXvKloiV5wtx0Md2rn0B9n29Ys2WMNwWxj9A==',
} as const;

/** The folder with node_api.h that came with this Node, or that npm or node-gyp have. */
function installedHeaders(): string | undefined {
  const prefix = dirname(dirname(process.execPath));
  const nodeDir = process.env.npm_config_nodedir;
  const { HOME = '' } = process.env;
  return [
    join(prefix, 'include/node'),
    ...(nodeDir ? [join(nodeDir, 'include/node')] : []),
    join(HOME, '.cache/node-gyp', process.versions.node, 'include/node'),
  ].find((folder) => existsSync(join(folder, 'node_api.h')));
}

/** Those headers, from npm if this machine has none; `folder` is for npm's files. */
export async function nodeHeaders(folder: string): Promise<string> {
  const installed = installedHeaders();
  if (installed) return installed;
  const { name, version, integrity } = HEADERS;
  const files = await readNpmTarball(name, version, { integrity });
  const target = join(folder, 'node-api');
  await fs.mkdir(target);
  for (const [path, bytes] of files) {
    const [, header] = /^include\/([\w.]+\.h)$/.exec(path) ?? [];
    if (header) await fs.writeFile(join(target, header), bytes);
  }
  return target;
}

export interface Built {
  binding: string;
  ops: string;
  /** Of tfjs-node-gpu: what keeps the ops from a GPU, or makes them wait for it; none is best. */
  gpuLacks: string[];
}

/**
 * Builds into `target`, a new folder inside tfjs-node's, so that the results can be renamed: `target/deps` and
 * `target/lib`, in tfjs-node's layout.
 */
export async function build(
  packageDir: string,
  tensorflow: Tensorflow,
  compiler: Compiler,
  target: string,
): Promise<Built> {
  const deps = join(target, 'deps');
  const source = await fs.realpath(tensorflow.folder);
  await layOutTensorflow({ ...tensorflow, folder: source }, deps);
  const headers = await nodeHeaders(target);
  const output = join(target, relative(packageDir, bindingFolder(packageDir)));
  const objects = join(target, 'objects');
  await fs.mkdir(output, { recursive: true });
  await fs.mkdir(objects);

  const common = ['-O3', '-fPIC', '-fvisibility=hidden', '-DNDEBUG', '-isystem', headers];
  const include = ['-isystem', join(deps, 'include')];
  /** Runs the compiler, which must write the file `made`. */
  const make = async (args: string[], made: string, what: string, limit: number) => {
    await runAsync(compiler.command, [...args, '-o', made], what, limit);
    if (!existsSync(made)) throw new Error(`${what}: ${compiler.command} has not written ${made}`);
  };
  const compile = (source: string, object: string, flags: string[]) => () =>
    make(
      [...common, ...include, ...flags, '-c', source],
      join(objects, object),
      `compiling ${relative(packageDir, source)}`,
      COMPILE_LIMIT,
    );

  const bindingSources = join(packageDir, 'binding');
  const napi = Math.max(...napiVersions(packageDir));
  const bindingFlags = ['-std=gnu++17', '-w', `-DNAPI_VERSION=${napi}`];
  const bindingObjects = ['tfjs_backend', 'tfjs_binding'];
  const ops = sourcesFolder();
  const gpu = isGpuPackage(packageDir);
  const opsFlags = [
    ...['-std=c++17', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math'],
    ...['-pthread', '-DNAPI_VERSION=8', `-DSPIKINGFORMER_INTERFACE=${OPS_INTERFACE}`],
    ...(gpu ? ['-DSPIKINGFORMER_GPU'] : []),
  ];
  const opsObjects = [
    'addon',
    'op',
    'instruction_set',
    'neurons',
    'multi_step_lif',
    'first_max_pool',
    'affine',
    'spike_conv',
    'spike_conv_lif',
    'spike_conv_pool',
    'spike_filter_grad',
    'spike_bits',
    'tile_products',
    'depthwise',
    'winograd',
    'batch_norm',
    'batch_norm_lif',
    'batch_norm_pool',
    'layer_norm',
    'updates',
    'attention',
    'thread_pool',
    ...(gpu ? gpuSources : []),
  ];
  const gpuLacks: string[] = [];
  /** The one file that takes TensorFlow's C++ headers; where they have changed, what does without. */
  const compileStream = () =>
    compile(join(ops, 'cuda/stream.cc'), 'stream.o', [...opsFlags, '-w'])().catch((error) => {
      gpuLacks.push(`TensorFlow's stream: launches wait for the GPU (${firstLine(error)})`);
      return compile(join(ops, 'cuda/no_stream.cc'), 'stream.o', opsFlags)();
    });
  /** Without the kernels the ops fail on a GPU, and the composed forms serve there. */
  const makeKernels = async () => {
    const nvrtc = findNvrtc(source);
    if (typeof nvrtc !== 'string') return void gpuLacks.push(`the kernels: ${nvrtc.reason}`);
    await compileKernels(compiler.command, nvrtc, ops, objects, join(output, KERNELS_FOLDER)).catch(
      (error) => void gpuLacks.push(`the kernels: ${firstLine(error)}`),
    );
  };
  const loopSources = [
    'lif',
    'lif_gradient',
    'norm',
    'layer_norm',
    'pool',
    'spike',
    'spike_gradient',
    'spike_bits',
    'depthwise',
    'winograd',
    'attention',
  ].map((name) => `${name}_loops`);
  const loops = [
    ...loopSources.flatMap((source) =>
      Object.entries(instructionSets).map(([set, flags]) => ({
        source,
        object: `${source}_${set}`,
        flags: [...flags, `-DINSTRUCTION_SET=${set}`],
      })),
    ),
    // For AMX alone, whose instructions the sources ask for themselves: older compilers refuse the flag.
    ...['tile_loops', 'tile_gradient_loops'].map((source) => ({
      source,
      object: source,
      flags: instructionSets.avx512 ?? [],
    })),
  ];
  const jobs = [
    ...bindingObjects.map((name) =>
      compile(join(bindingSources, `${name}.cc`), `${name}.o`, bindingFlags),
    ),
    ...loops.map(({ source, object, flags }) =>
      compile(join(ops, `${source}.cc`), `${object}.o`, [...opsFlags, ...flags]),
    ),
    ...opsObjects.map((name) => compile(join(ops, `${name}.cc`), objectOf(name), opsFlags)),
    ...(gpu ? [compileStream, makeKernels] : []),
  ];
  await inParallel(jobs, (job) => job(), availableParallelism());

  const link = (names: string[], file: string, libraries: string[]) => {
    // An environment's TensorFlow is loaded in place, since it finds its CUDA libraries from there.
    const home = tensorflow.fetched ? `$ORIGIN/${relative(output, join(deps, 'lib'))}` : source;
    const files = names.map((name) => join(objects, objectOf(name)));
    const found = libraries.map((name) => join(deps, 'lib', name));
    // Not -Wl, which would split a path at commas.
    const rpath = ['-Xlinker', '-rpath', '-Xlinker', home];
    const args = ['-shared', ...files, ...found, '-pthread', '-ldl', ...rpath];
    return make(args, join(output, file), `linking ${file}`, LINK_LIMIT);
  };
  await link(bindingObjects, BINDING_FILE, [LIBRARIES.cc, LIBRARIES.framework]);
  const opsParts = [
    ...opsObjects,
    ...(gpu ? ['stream'] : []),
    ...loops.map(({ object }) => object),
  ];
  await link(opsParts, OPS_FILE, [LIBRARIES.framework]);
  await fs.rm(objects, { recursive: true });
  return { binding: join(output, BINDING_FILE), ops: join(output, OPS_FILE), gpuLacks };
}

/** Sources of one name lie in native/ and native/cuda/. */
const objectOf = (source: string) => `${source.replace('/', '_')}.o`;

const firstLine = (error: Error) => error.message.split('\n', 1)[0]!.replace(/:$/, '');

function isGpuPackage(packageDir: string): boolean {
  return /-gpu$/.test(JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')).name);
}

function napiVersions(packageDir: string): number[] {
  const { binary } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));
  return (binary.napi_versions as number[]).filter((v) => v <= Number(process.versions.napi));
}
