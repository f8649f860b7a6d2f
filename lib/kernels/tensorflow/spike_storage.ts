/**
 * Tensors of spikes that the backend stores as bits, from the neurons that fired them to the ops that read bits. Any
 * other op, or a read, finds float32 numbers: they are unpacked the first time.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import {
  engine,
  type OpAttr,
  type TensorflowBackend,
  type TensorflowRecord,
} from '../../tfjs_internals';
import { opAttrs } from './backend';
import { hasCpuOps } from './native_ops';

/** Below this many numbers, an op takes more time than the memory that it saves. */
const WORTH = 1 << 16;

/** Whether to store spikes of that shape as bits, of which `row` neighbors are fired together. */
export const mayStoreAsBits = (shape: number[], row: number): boolean =>
  row % 32 === 0 && util.sizeFromShape(shape) >= WORTH && hasCpuOps();

/** Spikes as bits, as float32 of that shape: a tensor of TensorFlow's. */
function unpack(backend: TensorflowBackend, words: TensorInfo, shape: number[]) {
  const ids = backend.getInputTensorIds([words]);
  const attrs = opAttrs(backend, { ints: { shape } });
  return backend.binding.executeOp('SpikingformerUnpackSpikes', attrs, ids, 1)[0]!;
}

/** The same, as a tensor of tfjs's. */
export const unpackSpikes = (
  backend: TensorflowBackend,
  words: TensorInfo,
  shape: number[],
): Tensor => backend.createOutputTensor(unpack(backend, words, shape));

/**
 * What the backend knows of a tensor. It looks for `values`, which are on their way to TensorFlow, before it takes `id`:
 * that is when bits have to be numbers.
 */
class SpikeRecord implements TensorflowRecord {
  id = -1;
  readonly dtype: number;
  private references = 1;

  constructor(
    private readonly backend: TensorflowBackend,
    readonly shape: number[],
    /** None once they have been unpacked. */
    public words: TensorInfo | undefined,
  ) {
    this.dtype = backend.binding.TF_FLOAT;
  }

  get values(): null {
    if (!this.words) return null;
    this.id = unpack(this.backend, this.words, this.shape).id;
    this.release();
    return null;
  }

  get refCount(): number {
    return this.references;
  }

  set refCount(count: number) {
    this.references = count;
    if (count === 0) this.release();
  }

  private release(): void {
    if (!this.words) return;
    const { dataId } = this.words;
    this.words = undefined;
    if (this.backend.disposeData(dataId)) engine().removeDataId(dataId, this.backend);
  }
}

/** A float32 tensor of that shape, stored as those bits. */
export function storedAsBits(
  backend: TensorflowBackend,
  { dataId, dtype, shape: counted }: TensorInfo,
  shape: number[],
): Tensor {
  backend.incRef(dataId);
  const words = { dataId, dtype, shape: counted };
  const spikes = { dataId: {}, dtype: 'float32' as const, shape };
  backend.tensorMap.set(spikes.dataId, new SpikeRecord(backend, shape, words));
  return engine().makeTensorFromTensorInfo(spikes);
}

/** The bits that a tensor is stored as, if it is. */
export function bitsOf(backend: TensorflowBackend, { dataId }: TensorInfo): TensorInfo | undefined {
  const record = backend.tensorMap.get(dataId);
  return record instanceof SpikeRecord ? record.words : undefined;
}

/** The same bits as a tensor of its own. */
export function keptBits(backend: TensorflowBackend, words: TensorInfo): Tensor {
  backend.incRef(words.dataId);
  return engine().makeTensorFromTensorInfo(words);
}

/** An input of an op that takes numbers or spikes as bits, and the attributes that tell which. */
export function spikeInput(
  backend: TensorflowBackend,
  x: TensorInfo,
): { input: TensorInfo; bits: TensorInfo | undefined; attrs: OpAttr[] } {
  const bits = bitsOf(backend, x);
  const attrs = opAttrs(backend, {
    ints: { shape: bits ? x.shape : [] },
    types: { X: backend.binding[bits ? 'TF_INT32' : 'TF_FLOAT'] },
  });
  return { input: bits ?? x, bits, attrs };
}
