/** The wasm backend's kernels: native ones, and replacements for stock ones. */
import type { KernelConfig } from '@tensorflow/tfjs';
import type { Backend } from '../kernel';
import { attentionConfig, attentionGradConfig } from './attention';
import { batchNormTrainingConfig, batchNormTrainingGradConfig } from './batch_norm';
import { batchNormAffineConfig } from './batch_norm_affine';
import { conv2DOverride } from './conv2d';
import { conv2DBackpropFilterOverride, conv2DBackpropInputOverride } from './conv2d_backprop';
import { depthwiseOverrides } from './depthwise_conv2d';
import { gatherOverride } from './gather';
import { identityOverride } from './identity';
import { batchMatMulOverride, fusedMatMulOverride } from './mat_mul';
import { firstMaxPoolConfig, firstMaxPoolGradConfig, maxPoolGradOverride } from './max_pool';
import { simdSupported } from './module';
import { multiStepLIFConfig, multiStepLIFGradConfig } from './multi_step_lif';
import { meanOverride, sumOverride } from './reduce';
import { spikeConv2DConfig } from './spike_conv2d';
import { numbersFirst } from './spike_storage';
import { sliceOverride, splitOverride, tileOverride, transposeOverride } from './strided_copy';

/** Native kernels; none if the engine has no SIMD, so that composed forms run. */
export function wasmKernels(): KernelConfig[] {
  if (!simdSupported()) return [];
  return [
    multiStepLIFConfig,
    multiStepLIFGradConfig,
    batchNormTrainingConfig,
    batchNormTrainingGradConfig,
    batchNormAffineConfig,
    firstMaxPoolConfig,
    firstMaxPoolGradConfig,
    spikeConv2DConfig,
    attentionConfig,
    attentionGradConfig,
  ];
}

/** Kernels of tfjs that are missing, wrong or slow on wasm. */
export const wasmOverrides: KernelConfig[] = [
  conv2DOverride,
  conv2DBackpropFilterOverride,
  conv2DBackpropInputOverride,
  ...depthwiseOverrides,
  maxPoolGradOverride,
  batchMatMulOverride,
  fusedMatMulOverride,
  sumOverride,
  meanOverride,
  tileOverride,
  transposeOverride,
  sliceOverride,
  splitOverride,
  gatherOverride,
  identityOverride,
  ...numbersFirst,
];

export const wasm: Backend = {
  name: 'wasm',
  kernels: wasmKernels,
  overrides: () => (simdSupported() ? wasmOverrides : []),
};
