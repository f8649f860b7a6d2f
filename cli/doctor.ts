/** `spikingformer doctor`: what works on this machine, as text or as JSON. */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { type NativeOps, nativeOpsInUse } from '../lib/kernels/tensorflow/native_ops';
import '../node/index';
import { type BackendFindings, examineBackends } from './_backends';
import { type NativeTools, nativeTools } from './_native_tools';
import { fastest, reasonFor, useBackend, warningOf, withoutNative } from './shared/choose_backend';
import {
  copiesOfTfjs,
  type NativeBackend,
  nativeBackends,
  type PackageCopy,
} from './shared/packages';

interface Findings {
  node: { version: string; platform: string; cores: number };
  tfjs: { version: string; copies: PackageCopy[] };
  backends: BackendFindings[];
  native: NativeBackend[];
  /** The backend that commands use without --backend, and why. */
  commands: { backend: string; reason: string };
  /** The tools that `native install` would use; absent if the native ops are in use. */
  nativeTools?: NativeTools;
  /** Problems that need attention; empty on a healthy machine. */
  problems: string[];
}

/** Prints the findings. Returns whether nothing needs attention. */
export async function doctor(options: { json?: boolean }): Promise<boolean> {
  const native = nativeBackends();
  const backends = await examineBackends();
  const best = fastest(native);
  await selfTest(best);
  const findings: Findings = {
    node: {
      version: process.version,
      platform: `${process.platform} ${process.arch}`,
      cores: availableParallelism(),
    },
    tfjs: { version: tf.version.tfjs, copies: copiesOfTfjs() },
    backends,
    native,
    commands: best ? { backend: 'tensorflow', reason: reasonFor(best) } : withoutNative(native),
    ...((!best || best.noOps) && process.platform === 'linux' && { nativeTools: nativeTools() }),
    problems: [],
  };
  findings.problems = problemsOf(findings);
  console.log(options.json ? JSON.stringify(findings, null, 2) : text(findings));
  return findings.problems.length === 0;
}

/** On a GPU the ops' own self-test has the last word: it runs in the process that loads them. */
async function selfTest(best: NativeBackend | undefined): Promise<void> {
  if (!best?.gpu || best.noOps) return;
  const current = tf.getBackend();
  await useBackend('tensorflow');
  const ops = nativeOpsInUse();
  await tf.setBackend(current);
  if (typeof ops === 'string') Object.assign(best, { noOps: ops, opsFail: true });
}

function problemsOf({ tfjs, backends, native }: Findings): string[] {
  const problems: string[] = [];
  if (tfjs.copies.length > 1) {
    const copies = tfjs.copies.map(({ version, path }) => `${version} in ${path}`).join('; ');
    problems.push(`there are ${tfjs.copies.length} copies of tfjs-core: ${copies}`);
  }
  for (const { name, failures } of backends) {
    for (const [proof, failure] of Object.entries(failures)) {
      problems.push(`backend ${name}: ${proof}: ${failure}`);
    }
  }
  for (const { name, neurons } of backends) {
    if ((name === 'cpu' || name === 'wasm') && neurons !== 'kernel') {
      problems.push(`backend ${name}: this library's kernels are not installed`);
    }
  }
  if (!backends.some(({ name }) => name === 'wasm') && !native.some(({ loads }) => loads)) {
    problems.push('only the slow cpu backend: npm install @tensorflow/tfjs-backend-wasm');
  }
  for (const each of native) {
    const { name, version, loads, gpu, noOps, opsFail } = each;
    if (!loads) problems.push(warningOf(each));
    if (opsFail) problems.push(`${name} ${version} computes without the native ops: ${noOps}`);
    if (loads && name.endsWith('-gpu') && !gpu) {
      problems.push(`${name} ${version} computes on the CPU: its TensorFlow finds no GPU`);
    }
  }
  return problems;
}

function text({ node, tfjs, backends, native, commands, nativeTools, problems }: Findings): string {
  const copies = tfjs.copies.length === 1 ? '1 copy' : `${tfjs.copies.length} copies`;
  const lines = [
    `Node           ${node.version}, ${node.platform}, ${node.cores} cores`,
    `TensorFlow.js  ${tfjs.version}, ${copies}`,
    'backends',
    ...backends.map((backend) => `  ${backend.name.padEnd(12)} ${describe(backend)}`),
    ...native.map((copy) => `  ${copy.name} ${copy.version} ${describeNative(copy)}`),
  ];
  if (native.length === 0)
    lines.push('  tensorflow   not installed (optional: @tensorflow/tfjs-node)');
  lines.push(`commands use   ${commands.backend}: ${commands.reason}`);
  if (nativeTools) {
    const { compiler, pip, tensorflow, passedOver } = nativeTools;
    lines.push(
      '`native install` would use',
      `  compiler     ${compiler}`,
      `  pip          ${pip}`,
      `  TensorFlow   ${tensorflow}`,
      ...passedOver.map((reason) => `  skipped      ${reason}`),
    );
  }
  lines.push(problems.length === 0 ? 'no problems found' : 'problems');
  return [...lines, ...problems.map((problem) => `  - ${problem}`)].join('\n');
}

function describe({ failures, neurons, simd, threads, ...backend }: BackendFindings): string {
  const works = Object.keys(failures).length === 0 ? 'works and trains' : 'FAILS';
  const details = [
    backend.default && "TensorFlow.js's default",
    neurons === 'kernel' ? 'neurons in one kernel' : 'neurons composed of stock operations',
    simd !== undefined && (simd ? 'SIMD' : 'no SIMD'),
    threads !== undefined && `${threads} thread`,
  ];
  return `${works} (${details.filter(Boolean).join(', ')})`;
}

function describeNative({ loads, tensorflow, gpu, gigaflops, ops, noOps }: NativeBackend): string {
  if (!loads) return 'FAILS';
  const neurons =
    ops && !noOps
      ? `neurons in one op: ${gpu ? describeCuda(ops) : describeLoops(ops)}`
      : `neurons composed of stock operations: ${noOps}`;
  const device = gpu ? 'on the GPU' : 'on the CPU';
  return `works and trains (TensorFlow ${tensorflow} ${device}, ${gigaflops} GFLOPS; ${neurons})`;
}

const describeLoops = ({ instructionSet, threads, bfloat16, amx }: NativeOps) =>
  `${instructionSet}${bfloat16 ? ` with bfloat16${amx ? ' by AMX' : ''}` : ''}, ${threads} threads`;

const describeCuda = ({ cuda }: NativeOps) =>
  cuda === 'stream' ? "CUDA, on TensorFlow's stream" : 'CUDA, which waits for the GPU at every op';
