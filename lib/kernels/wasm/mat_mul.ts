/**
 * Matrix products on wasm. tfjs computes transposed or batched ones one number at a time; the others by XNNPACK, which
 * packs the right factor again whenever it changes.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { broadcast_util, util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { checkFloat32, type Heap, isThreaded, pointer, withHeap } from './backend';
import { canReplaceDense, productSizes, sumListed } from './listed_sums';
import { kernelsOf } from './module';
import { isWorthSkipping, sparseFilterGradient, transposedProduct } from './sparse';
import { runStock } from './stock';
import { productBlocks } from './tiles';

interface Sizes {
  m: number;
  n: number;
  k: number;
  transposeA?: boolean;
  transposeB?: boolean;
}

/**
 * out [m, n] = op(a) op(b) for each pair of matrices of a and b, given by their places in the tensors; results lie one
 * after the other.
 */
export function multiply(
  backend: BackendWasm,
  heap: Heap,
  { m, n, k, transposeA = false, transposeB = false }: Sizes,
  a: TensorInfo,
  b: TensorInfo,
  out: TensorInfo,
  placesA: ArrayLike<number> = [0],
  placesB: ArrayLike<number> = [0],
): void {
  const { blockM, blockN, blockK, length } = productBlocks(m, n, k);
  const scratch = pointer(backend, heap.scratch(length));
  const [atA, atB, atOut] = [a, b, out].map((t) => pointer(backend, t));
  const { matMul } = kernelsOf(backend);
  for (let i = 0; i < placesA.length; i++) {
    matMul(
      atA + placesA[i] * m * k * 4,
      atB + placesB[i] * k * n * 4,
      atOut + i * m * n * 4,
      m,
      n,
      k,
      transposeA ? 1 : 0,
      transposeB ? 1 : 0,
      scratch,
      blockM,
      blockN,
      blockK,
    );
  }
}

/** out [m, n] = a b, where a is often spikes, whose zeros are skipped, to the same bits. */
function multiplySpikes(
  backend: BackendWasm,
  heap: Heap,
  { m, n, k }: Pick<Sizes, 'm' | 'n' | 'k'>,
  a: TensorInfo,
  b: TensorInfo,
  out: TensorInfo,
): void {
  const sizes = productSizes(m, k, n);
  const isListed = canReplaceDense(backend, a, sizes) && sumListed(backend, heap, sizes, a, b, out);
  if (!isListed) multiply(backend, heap, { m, n, k }, a, b, out);
}

/** out [m, n] = aT b, with a [k, m] and b [k, n]: the gradient of weights, where a is often spikes. */
export function transposedMultiply(
  backend: BackendWasm,
  heap: Heap,
  m: number,
  n: number,
  k: number,
  a: TensorInfo,
  b: TensorInfo,
  out: TensorInfo,
): void {
  if (isWorthSkipping(backend, a, b, n)) {
    sparseFilterGradient(backend, heap, transposedProduct(m, n, k), a, b, out);
  } else {
    multiply(backend, heap, { m, n, k, transposeA: true }, a, b, out);
  }
}

/** For every matrix of the result, the index of the operand's matrix that it uses: broadcast as in NumPy. */
function broadcastPlaces(batch: number[], outBatch: number[]): Int32Array {
  const places = new Int32Array(util.sizeFromShape(outBatch));
  const strides = outBatch.map((_, axis) => {
    const own = axis - outBatch.length + batch.length;
    return own < 0 || batch[own] === 1 ? 0 : util.sizeFromShape(batch.slice(own + 1));
  });
  const location = outBatch.map(() => 0);
  let at = 0;
  for (let i = 0; i < places.length; i++) {
    places[i] = at;
    for (let axis = outBatch.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++location[axis] < outBatch[axis]) break;
      at -= strides[axis] * outBatch[axis];
      location[axis] = 0;
    }
  }
  return places;
}

interface Operands {
  a: TensorInfo;
  b: TensorInfo;
}

interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

function batchMatMul(
  { a, b }: Operands,
  backend: BackendWasm,
  { transposeA, transposeB }: MatMulAttrs,
): TensorInfo {
  checkFloat32('BatchMatMul', { a, b });
  const [rowsA, colsA] = a.shape.slice(-2);
  const [rowsB, colsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [colsA, rowsA] : [rowsA, colsA];
  const [inner, n] = transposeB ? [colsB, rowsB] : [rowsB, colsB];
  if (k !== inner) {
    throw new Error(
      `BatchMatMul: the inner sizes of [${a.shape}] and [${b.shape}] with transposeA ${transposeA} ` +
        `and transposeB ${transposeB} must match, but are ${k} and ${inner}`,
    );
  }
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  return withHeap(backend, (heap) => {
    const out = heap.output([...batch, m, n]);
    if (!transposeA && util.sizeFromShape(batchB) === 1) {
      // If one B serves all and the rows of A follow each other, this is one tall product.
      const sizes = { m: m * util.sizeFromShape(batchA), n, k };
      if (transposeB) multiply(backend, heap, { ...sizes, transposeB }, a, b, out);
      else multiplySpikes(backend, heap, sizes, a, b, out);
    } else if (transposeA && !transposeB && util.sizeFromShape(batch) === 1) {
      transposedMultiply(backend, heap, m, n, k, a, b, out);
    } else {
      const sizes = { m, n, k, transposeA, transposeB };
      const places = [batchA, batchB].map((own) => broadcastPlaces(own, batch));
      multiply(backend, heap, sizes, a, b, out, ...places);
    }
    return out;
  });
}

/** Whether XNNPACK supports this product and has threads; ours has none. */
function suitsXnnpack({ a, b }: Operands, attrs: MatMulAttrs, backend: BackendWasm): boolean {
  const single = (t: TensorInfo) => util.sizeFromShape(t.shape.slice(0, -2)) === 1;
  return isThreaded(backend) && !attrs.transposeA && !attrs.transposeB && single(a) && single(b);
}

export const batchMatMulOverride: KernelConfig = {
  kernelName: 'BatchMatMul',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const operands = args.inputs as unknown as Operands;
    const attrs = args.attrs as unknown as MatMulAttrs;
    const backend = args.backend as BackendWasm;
    return suitsXnnpack(operands, attrs, backend)
      ? runStock('BatchMatMul', { ...operands }, backend, attrs)
      : batchMatMul(operands, backend, attrs);
  },
};

interface FusedInputs extends Operands {
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}

interface FusedAttrs extends MatMulAttrs {
  activation: 'linear' | keyof typeof activationKernels;
  leakyreluAlpha: number;
}

const activationKernels = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  prelu: 'Prelu',
  leakyrelu: 'LeakyRelu',
} as const;

/** act(a b + bias), one kernel after the other; tfjs's fused kernel adds the bias once per 48 of k. */
function fusedMatMul(inputs: FusedInputs, backend: BackendWasm, attrs: FusedAttrs): TensorInfo {
  const { bias, preluActivationWeights: alpha } = inputs;
  let y = batchMatMul(inputs, backend, attrs);
  const then = (kernel: string, name: string, others: Record<string, TensorInfo>) => {
    const before = y;
    try {
      y = runStock(kernel, { [name]: before, ...others }, backend, { alpha: attrs.leakyreluAlpha });
    } finally {
      backend.disposeData(before.dataId);
    }
  };
  if (bias) then('Add', 'a', { b: bias });
  if (attrs.activation !== 'linear') {
    then(activationKernels[attrs.activation], 'x', alpha ? { alpha } : {});
  }
  return y;
}

export const fusedMatMulOverride: KernelConfig = {
  kernelName: '_FusedMatMul',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const inputs = args.inputs as unknown as FusedInputs;
    const attrs = args.attrs as unknown as FusedAttrs;
    const backend = args.backend as BackendWasm;
    return suitsXnnpack(inputs, attrs, backend)
      ? runStock('_FusedMatMul', args.inputs as Record<string, TensorInfo>, backend, attrs)
      : fusedMatMul(inputs, backend, attrs);
  },
};
