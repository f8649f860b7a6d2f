/**
 * SpikeProduct and the gradient of its filter on tfjs-node: our ops, which skip zeros and keep spikes as bits, or
 * TensorFlow's dense ones if there are few zeros.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { gradientsInBfloat16 } from '../../gradient_precision';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  SpikeProduct,
  type SpikeProductAttrs,
  SpikeProductFilterGrad,
  type SpikeProductFilterGradAttrs,
  type SpikeProductFilterGradInputs,
  SpikeProductInputGrad,
  type SpikeProductInputGradInputs,
  type SpikeProductInputs,
  stockFilterGradient,
  stockInputGradient,
  stockProduct,
} from '../spike_product';
import { kernel, opAttrs } from './backend';
import { multipliesByAmx } from './native_ops';
import { unpackSpikes } from './spike_storage';
import { skippingConv, skippingFilterGradient } from './spikes';

/** The same numbers as a tensor of its own. */
function same(backend: TensorflowBackend, x: TensorInfo): Tensor {
  const attrs = opAttrs(backend, { types: { T: backend.binding.TF_FLOAT } });
  return backend.executeMultipleOutputs('Identity', attrs, [x], 1)[0]!;
}

const spikeProduct = kernel<SpikeProductInputs, SpikeProductAttrs>(
  SpikeProduct,
  ({ x, filter }, backend, { keep }) => {
    const { y, words } = skippingConv(backend, x, filter, { keep });
    const product = y ?? stockProduct(x as Tensor, filter as Tensor);
    return keep ? [product, words ?? same(backend, x)] : [product];
  },
);

const filterGradient = kernel<SpikeProductFilterGradInputs, SpikeProductFilterGradAttrs>(
  SpikeProductFilterGrad,
  ({ dy, kept }, backend, { filterShape }) => {
    const dw = skippingFilterGradient(backend, kept, dy, filterShape);
    if (dw) return dw;
    const x =
      kept.dtype === 'int32'
        ? unpackSpikes(backend, kept, [...dy.shape.slice(0, -1), filterShape.at(-2)!])
        : (kept as Tensor);
    return stockFilterGradient(x, dy as Tensor, filterShape);
  },
);

/** By AMX, if that is in use; our op takes channels and filters in sixteens. */
const inputGradient = kernel<SpikeProductInputGradInputs, object>(
  SpikeProductInputGrad,
  ({ dy, filter }, backend) => {
    const fits = filter.shape.slice(-2).every((side) => side > 0 && side % 16 === 0);
    const rounded = gradientsInBfloat16();
    if (!fits || !multipliesByAmx(rounded)) {
      return stockInputGradient(dy as Tensor, filter as Tensor);
    }
    const attrs = opAttrs(backend, { bools: { rounded } });
    const op = 'SpikingformerProductInputGrad';
    return backend.executeMultipleOutputs(op, attrs, [dy, filter], 1)[0]!;
  },
);

export const spikeProductKernels = [spikeProduct, filterGradient, inputGradient];
