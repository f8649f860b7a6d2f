/** Spikes as bits on tfjs-node, for the native ops on CPUs. */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import {
  engine,
  type OpAttr,
  type TensorflowBackend,
  type TensorflowRecord,
} from '../../tfjs_internals';
import { bitsOf, SpikeRecord } from '../spike_storage';
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

/** The backend looks for `values`, which are on their way to TensorFlow, before it takes `id`. */
class TensorflowSpikes extends SpikeRecord implements TensorflowRecord {
  id = -1;
  readonly dtype: number;

  constructor(
    private readonly backend: TensorflowBackend,
    shape: number[],
    words: TensorInfo,
  ) {
    super(shape, words);
    this.dtype = backend.binding.TF_FLOAT;
  }

  get values(): null {
    this.becomeNumbers();
    return null;
  }

  protected unpack(words: TensorInfo): void {
    this.id = unpack(this.backend, words, this.shape).id;
  }

  protected dispose({ dataId }: TensorInfo): void {
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
  backend.tensorMap.set(spikes.dataId, new TensorflowSpikes(backend, shape, words));
  return engine().makeTensorFromTensorInfo(spikes);
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
  const bits = bitsOf(backend.tensorMap, x);
  const attrs = opAttrs(backend, {
    ints: { shape: bits ? x.shape : [] },
    types: { X: backend.binding[bits ? 'TF_INT32' : 'TF_FLOAT'] },
  });
  return { input: bits ?? x, bits, attrs };
}
