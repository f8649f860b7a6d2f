/**
 * Tests by computing, in a separate process, that tfjs-node and this library's ops in it work: a binding that does not
 * match its TensorFlow may end the process that loads it.
 */
import type { NativeOps } from '../../lib/kernels/tensorflow/native_ops';
import { minutes, run } from './process';

/** The findings of such a process. */
export interface Proof {
  /** TensorFlow's version. */
  tensorflow: string;
  gpu: boolean;
  /** Billions of operations per second in a product of two 1024 x 1024 matrices. */
  gigaflops: number;
  /** What the ops' addon says of itself, where there is one. */
  ops?: NativeOps;
  /** Why the ops do not compute on the GPU; a process that loads them then goes without. */
  gpuFailure?: string;
}

/** Marks the output line with the findings. */
const MARK = 'found: ';

/** argv: the package's folder; the binding, or '' for the package's own; the addon, or ''. */
const SCRIPT = `
const [, folder, binding, ops] = process.argv;
const { createRequire } = require('node:module');
const own = createRequire(folder + '/package.json');
// Two functions that Node 23 removed and tfjs-node calls: see node/tfjs_node_shim.ts.
const util = require('node:util');
util.isNullOrUndefined ??= (x) => x == null;
util.isArray ??= Array.isArray;
if (binding) own('@mapbox/node-pre-gyp/lib/pre-binding').find = () => binding;
const tf = own(folder);
const backend = tf.backend();
const check = (what, got, expected) => {
  const right = got.length === expected.length &&
    expected.every((x, i) => Math.abs(got[i] - x) <= 1e-6 * Math.max(1, Math.abs(x)));
  if (!right) throw new Error(what + ' is wrong: expected ' + expected + ', got ' + Array.from(got));
};
check('a matrix product', tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync(), [11]);
check('the gradient of a convolution', tf.grad((w) => tf.conv2d(tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]),
  w, 1, 'valid').sum())(tf.ones([1, 1, 1, 1])).dataSync(), [10]);
const big = tf.ones([1024, 1024]);
const product = () => tf.tidy(() => tf.matMul(big, big).sum().dataSync());
product();
const start = process.hrtime.bigint();
check('a large matrix product', product(), [2 ** 30]);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const found = {
  tensorflow: backend.binding.TF_Version,
  gpu: backend.isUsingGpuDevice,
  gigaflops: Math.round(2 ** 31 / seconds / 1e8) / 10,
};
const proveOps = () => {
  const of = (type, values) => Object.entries(values).map(([name, value]) => ({ name, type, value }));
  const { TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_INT, TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const op = (name, outputs, inputs, floats = {}, bools = {}, ints = {}, types = {}) =>
    backend.executeMultipleOutputs('Spikingformer' + name, [...of(TF_ATTR_FLOAT, floats),
      ...of(TF_ATTR_BOOL, bools), ...of(TF_ATTR_INT, ints), ...of(TF_ATTR_TYPE, types)],
    inputs, outputs).map((tensor) => tensor.dataSync());
  const lif = [{ tau: 2, v_threshold: 1, v_reset: 0, share: 0.5 },
    { soft_reset: false, decay_input: true, keeps: false }];
  const back = [{ ...lif[0], alpha: 1 }, { ...lif[1], detach_reset: true }, { surrogate: 2 }];
  const none = { has_v0: false, has_decay: false };
  // h: 0.75, 1.125 (fires), 0.75, 1.125 (fires)
  const x = tf.fill([1, 4, 1], 1.5);
  const [spikes, v] = op('MultiStepLif', 2, [x], lif[0], { ...lif[1], ...none }, { N: 0 });
  check('spiking neurons', spikes, [0, 1, 0, 1]);
  check('membranes', v, [0]);
  const ones = tf.ones([1, 4, 1]);
  const [dx] = op('MultiStepLifGrad', 3, [x, ones, tf.zeros([1, 1])], back[0], { ...back[1], ...none },
    { ...back[2], N: 0 });
  // s' = 1 - |h - 1|: 0.75, 0.875; gh = s' + (half of the next step's gh where this did not fire)
  check('their gradient', dx, [0.59375, 0.4375, 0.59375, 0.4375]);
  // Of 1, 3, 1, 3: mean 2, variance 1; with gamma 1 and beta 1.5: 0.5, 2.5, 0.5, 2.5; h: 0.25, 1.375 (fires), ...
  const images = tf.tensor([1, 3, 1, 3], [1, 4, 1]);
  const [one, rest] = [tf.ones([1]), tf.fill([1], 1.5)];
  const [y, mean, variance] = op('BatchNorm', 3, [images, one, rest], { epsilon: 0 });
  check('batch norm', [...y, ...mean, ...variance], [0.5, 2.5, 0.5, 2.5, 2, 1]);
  const fired = op('BatchNormLif', 3, [images, one, rest], { ...lif[0], epsilon: 0 }, lif[1]);
  check('batch norm with neurons', fired[0], [0, 1, 0, 1]);
  const factors = tf.tensor1d([1, 0.1, 1, 0, 0, 1, 0, 1]);
  check('a moving average', op('Blend', 1, [one, rest], { kept: 0.5, taken: 2 }, {}, { N: 1 })[0], [3.5]);
  const shares = { kept: 0.5, taken: 2, taken_variance: 4 };
  const averages = op('RunningStatistics', 2, [one, rest, one, rest, rest], shares, {}, { N: 1 });
  check('running statistics', averages.map(([average]) => average), [5.5, 6.75]);
  check('a step of AdamW', op('AdamW', 3, [one, rest, one, one, factors], {}, {}, { N: 1 })[0], [0.9]);
  if (found.gpu) return; // The rest are for CPUs alone.
  const norm = [tf.tensor2d([[1, 2]]), tf.ones([2]), tf.fill([2], 1.5), tf.tensor1d([0, 1])]; // of 1, 3
  check('layer norm', op('LayerNorm', 1, norm, { epsilon: 0 }, {}, { N: 1 })[0], [0.5, 2.5]);
  const pooled = op('BatchNormPool', 4, [tf.reshape(images, [1, 2, 2, 1]), one, rest], { epsilon: 0 }, {},
    { pool_size: 2, strides: 2, padding: 0 });
  check('batch norm with a max pool', [...pooled[0], ...pooled[1], ...pooled[2], ...pooled[3]], [2.5, 2, 1, 1]);
  const kernel = tf.tensor2d([[1, 2], [3, 4], [5, 6]]);
  check('a product of spikes', op('SpikeConv', 2, [tf.tensor2d([[1, 0, 1]]), kernel],
    { most: 1, epsilon: 0 }, { keep: false }, { A: 0, N: 0, shape: [] }, { X: TF_FLOAT })[0], [6, 8]);
  const bits = tf.tensor1d([5, 2], 'int32'); // 1, 0, 1; and how many are 1
  // As above: gamma 1, beta 1.5, mean 2, variance 1
  const weights = [tf.ones([2]), tf.fill([2], 1.5), tf.fill([2], 2), tf.ones([2])];
  check('a product of spikes with batch norm, added to', op('SpikeConv', 2,
    [tf.tensor2d([[1, 0, 1]]), kernel, ...weights, tf.tensor2d([[3, 4]])],
    { most: 1, epsilon: 0 }, { keep: false }, { A: 4, N: 1, shape: [] }, { X: TF_FLOAT })[0], [8.5, 11.5]);
  check('a product of bits', op('SpikeConv', 2, [bits, kernel],
    { most: 1, epsilon: 0 }, { keep: false }, { A: 0, N: 0, shape: [1, 3] }, { X: TF_INT32 })[0], [6, 8]);
  check('bits as numbers', op('UnpackSpikes', 1, [bits], {}, {}, { shape: [1, 3] })[0], [1, 0, 1]);
  const fires = op('SpikeConvLif', 2, [ones, tf.fill([1, 1], 1.5), one, tf.zeros([1])], { ...lif[0], most: 2, epsilon: 0 },
    { ...lif[1], packed: false }, { A: 2, N: 0, shape: [] }, { X: TF_FLOAT });
  check('neurons behind a product of spikes', fires[0], [0, 1, 0, 1]);
  const sums = op('SpikeConvPool', 1, [tf.ones([1, 2, 2, 1]), tf.ones([3, 3, 1, 1]), one, rest], { most: 2, epsilon: 0 },
    {}, { A: 2, pool_size: 2, strides: 2, padding: 0, shape: [] }, { X: TF_FLOAT });
  check('a pool behind a product of spikes', sums[0], [5.5]);
  // The same of 32 channels: a word at each time step, and how many have fired.
  const [all, half] = [tf.ones([32]), tf.fill([32], 1.5)];
  const asBits = [0, -1, 0, -1, 64];
  check('spiking neurons as bits', op('PackedMultiStepLif', 1, [tf.fill([1, 4, 32], 1.5)], lif[0],
    { ...lif[1], ...none }, { N: 0 })[0], asBits);
  check('batch norm with neurons as bits', op('PackedBatchNormLif', 3, [tf.tile(images, [1, 1, 32]), all, half],
    { ...lif[0], epsilon: 0 }, lif[1])[0], asBits);
  check('neurons behind a product as bits', op('SpikeConvLif', 2, [ones, tf.fill([1, 32], 1.5), all, tf.zeros([32])],
    { ...lif[0], most: 2, epsilon: 0 }, { ...lif[1], packed: true }, { A: 2, N: 0, shape: [] }, { X: TF_FLOAT })[1], asBits);
  const token = tf.tensor1d([-1, 32], 'int32');
  check('attention of bits', op('PackedAttention', 2, [token, token, token], { scale: 0.125 }, { keep: false },
    { num_heads: 1, shape: [1, 1, 1, 32] })[0], Array(32).fill(4));
  const square = tf.ones([1, 4, 4, 1]);
  const around = op('WinogradInputGrad', 2, [square, tf.ones([3, 3, 1, 1])])[0];
  check('the gradient of an image', around.map(Math.round), [4, 6, 6, 4, 6, 9, 9, 6, 6, 9, 9, 6, 4, 6, 6, 4]);
  const filters = op('DepthwiseFilterGrad', 1, [tf.tensor4d([1, 2, 3], [1, 1, 3, 1]), tf.ones([1, 1, 3, 1])], {}, {},
    { size: 3 })[0];
  check('the gradient of depthwise filters', filters, [0, 0, 0, 3, 6, 5, 0, 0, 0]);
  if (found.ops.bfloat16) proveBfloat16();
  // As below: 1 + 2^-8 is rounded to 1.
  if (found.ops.amx) check('a product by AMX', op('ProductInputGrad', 1,
    [tf.fill([32, 64], 1 + 2 ** -8), tf.ones([16, 64])], {}, { rounded: true })[0], Array(32 * 16).fill(64));
};
// As lib/kernels/tensorflow/bfloat16.ts: 1 + 2^-8 lies between two bfloat16 and goes to the even one, 1.
const proveBfloat16 = () => {
  const { TF_ATTR_TYPE: type, TF_ATTR_BOOL: bool, TF_FLOAT: single } = backend.binding;
  const bfloat16 = 14;
  const op = (name, attrs, ids) => backend.binding.executeOp(name, attrs, ids, 1)[0].id;
  const cast = (id, from, to) => op('Cast', [{ name: 'SrcT', type, value: from },
    { name: 'DstT', type, value: to }, { name: 'Truncate', type: bool, value: false }], [id]);
  const factors = [tf.fill([32, 64], 1 + 2 ** -8), tf.ones([16, 64])];
  const rounded = backend.getInputTensorIds(factors).map((id) => cast(id, single, bfloat16));
  const product = op('MatMul', [{ name: 'transpose_a', type: bool, value: false },
    { name: 'transpose_b', type: bool, value: true }, { name: 'T', type, value: bfloat16 }], rounded);
  const result = cast(product, bfloat16, single);
  check('a product in bfloat16', backend.binding.tensorDataSync(result), Array(32 * 16).fill(64));
};
if (ops) {
  found.ops = { ...own(ops) };
  try {
    proveOps();
  } catch (error) {
    if (!found.gpu) throw error;
    found.gpuFailure = error.message;
  }
}
console.log('${MARK}' + JSON.stringify(found));
`;

/** Time limit for TensorFlow to load and to compute a little. */
const PROOF_LIMIT = minutes(3);

/** Throws with the reason if it does not work. */
export function prove(folder: string, binding = '', ops = '', limit = PROOF_LIMIT): Proof {
  const env = { TF_CPP_MIN_LOG_LEVEL: '2', ...process.env };
  const ran = run(process.execPath, ['-e', SCRIPT, folder, binding, ops], limit, { env });
  if (ran.status === 0) {
    const found = ran.stdout.split('\n').find((line) => line.startsWith(MARK));
    if (found !== undefined) return JSON.parse(found.slice(MARK.length));
    throw new Error('its process ended before it computed anything');
  }
  if (ran.late) throw new Error(ran.stderr);
  // All lines of an error's message, up to where it was thrown: TensorFlow gives its reason on the second.
  const [message] = /^\w*Error: .*(\n(?! +at ).+)*/m.exec(ran.stderr) ?? [];
  const reason = message ?? ran.stderr.split('\n').filter(Boolean).at(-1);
  throw new Error(reason ?? 'its process was ended before it could report why');
}
