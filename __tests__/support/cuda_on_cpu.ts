/**
 * The ops for GPUs without a GPU: their host code and CUDA kernels compiled for this CPU, against stand-ins for
 * TensorFlow's C API and CUDA's driver (`cuda/`), a process for each call.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { gpuKernels } from '../../lib/kernels/tensorflow/gpu';
import type { OpAttr, TensorflowBackend } from '../../lib/tfjs_internals';
import { hashOf } from '../../node/files/hash';
import { type Compiler, findCompiler } from '../../node/native/build';
import { gpuSources } from '../../node/native/cuda';
import './backends'; // Silences the banner of the backend cpu.
import { runnerOf } from './kernels';
import { root } from './process';

const stand = join(root, '__tests__/support/cuda');
const native = join(root, 'native');
const compiler = findCompiler();

const filesIn = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(folder, name));

/** The program that runs an op, built unless an earlier run has built it from the same sources. */
function build({ command, version }: Compiler): string {
  const headers = join(stand, 'tensorflow/c');
  const read = [native, join(native, 'cuda'), stand, headers].flatMap(filesIn).sort();
  const digest = hashOf([version, ...read.map((file) => readFileSync(file))]).slice(0, 16);
  const cache = join(root, '.cache/cuda_on_cpu');
  const program = join(cache, digest);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const sources = [...gpuSources.map((name) => `${name}.cc`), 'op.cc', 'neurons.cc']
    .filter((name) => !/(driver|launches)\.cc$/.test(name))
    .map((name) => join(native, name));
  const made = join(mkdtempSync(`${program}-`), 'run_op');
  const args = [
    ...['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-unknown-pragmas'],
    ...['-ffp-contract=off', '-I', stand, '-I', native],
    ...[join(stand, 'run_op.cc'), join(stand, 'launches_on_cpu.cc'), ...sources, '-o', made],
  ];
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the kernels do not compile for a CPU:\n${stderr}`);
  renameSync(made, program);
  return program;
}

let program: string | undefined;

/** In which order threads run, one after the other: no result may depend on it. */
let threads: 'forward' | 'backward' = 'forward';
export function runThreads(order: typeof threads): void {
  threads = order;
}

/** The ops that this process has run. */
export const opsRun = new Set<string>();

/** As tfjs-node's backend runs it, on tensors of the current backend. */
function runOp(name: string, attrs: OpAttr[], inputs: tf.Tensor[], outputs: number): tf.Tensor[] {
  if (typeof compiler === 'string') throw new Error(compiler);
  program ??= build(compiler);
  opsRun.add(name);
  const lines = [
    `op ${name}`,
    ...attrs.map((attr) => `attr ${attr.name} ${Number(attr.value)}`),
    ...inputs.map(({ shape }) => ['input', ...shape].join(' ')),
    '\n',
  ];
  const numbers = inputs.map((x) => {
    const { buffer, byteOffset, byteLength } = x.dataSync();
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  });
  const { status, stdout, stderr } = spawnSync(program, {
    input: Buffer.concat([Buffer.from(lines.join('\n')), ...numbers]),
    maxBuffer: 2 ** 30,
    env: { ...process.env, THREADS: threads },
  });
  if (status !== 0) throw new Error(stderr.toString().trim() || `${name} ended with ${status}`);
  const end = stdout.indexOf('\n');
  const shapes: number[][] = JSON.parse(stdout.subarray(0, end).toString());
  if (shapes.length !== outputs) throw new Error(`${name} has ${shapes.length} outputs`);
  let at = end + 1;
  return shapes.map((shape) => {
    const size = tf.util.sizeFromShape(shape);
    const data = new Float32Array(size);
    new Uint8Array(data.buffer).set(stdout.subarray(at, at + data.byteLength));
    at += data.byteLength;
    return tf.tensor(data, shape, 'float32');
  });
}

/** As much of tfjs-node-gpu's backend as the kernels here call. */
export const gpuOnCpu = {
  binding: {
    ...{ TF_ATTR_STRING: 0, TF_ATTR_INT: 1, TF_ATTR_FLOAT: 2, TF_ATTR_BOOL: 3, TF_ATTR_TYPE: 4 },
    ...{ TF_FLOAT: 1, TF_Version: 'none' },
  },
  isGPUPackage: true,
  isUsingGpuDevice: true,
  executeMultipleOutputs: runOp,
  tensorMap: { get: () => undefined },
} as unknown as TensorflowBackend;

/** Runs a kernel for GPUs on this CPU. */
export const runOnGpu = runnerOf(gpuKernels, gpuOnCpu);

/** From here on the backend `cpu` of this process runs these kernels, and no other of this library's. */
export function takeGpuKernels(): void {
  for (const { kernelName, kernelFunc } of gpuKernels) {
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: (call) => kernelFunc({ ...call, backend: gpuOnCpu }),
    });
  }
}

/** A describe block on the backend `cpu`; skipped, saying so, where there is no compiler. */
export function describeGpuOnCpu(name: string, body: () => void): void {
  if (typeof compiler === 'string') {
    if (process.env.CI) throw new Error(`CI expects a C++ compiler: ${compiler}`);
    describe.skip(`${name} [skipped: ${compiler}]`, body);
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      await tf.setBackend('cpu');
    });
    body();
  });
}
