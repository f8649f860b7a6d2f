/**
 * This library's kernels: each file has one line in the list, and one per function that runs a kernel. Code outside
 * this folder runs kernels through here, which installs them on the backend first.
 */
import * as attention from './attention';
import { backendOf } from './backends';
import * as batchNorm from './batch_norm';
import * as batchNormAffine from './batch_norm_affine';
import * as batchNormLIF from './batch_norm_lif';
import * as batchNormPool from './batch_norm_pool';
import { composedOf, install } from './install';
import * as kernel from './kernel';
import * as layerNorm from './layer_norm';
import * as maxPool from './max_pool';
import * as multiStepLIF from './multi_step_lif';
import * as spikeConv2DLIF from './spike_conv_lif';
import * as spikeConv2DPool from './spike_conv_pool';
import * as spikeConv2D from './spike_conv2d';
import * as spikeProduct from './spike_product';
import * as updates from './updates';

export const definitions: readonly kernel.KernelDefinition[] = [
  ...multiStepLIF.multiStepLIFDefinitions,
  ...batchNorm.batchNormDefinitions,
  ...batchNormAffine.batchNormAffineDefinitions,
  ...batchNormLIF.batchNormLIFDefinitions,
  ...batchNormPool.batchNormPoolDefinitions,
  ...layerNorm.layerNormDefinitions,
  ...maxPool.maxPoolDefinitions,
  ...spikeConv2D.spikeConv2DDefinitions,
  ...spikeConv2DLIF.spikeConv2DLIFDefinitions,
  ...spikeConv2DPool.spikeConv2DPoolDefinitions,
  ...spikeProduct.spikeProductDefinitions,
  ...updates.updateDefinitions,
  ...attention.attentionDefinitions,
];

export const composedKernels = /* @__PURE__ */ composedOf(definitions);

/** Gives the current backend the kernels that it lacks; cheap enough to call before every operation. */
export function installKernels(): void {
  install(composedKernels);
}

/** Whether a backend runs native kernels rather than kernels composed of stock ops. */
export function hasNativeKernels(backendName: string): boolean {
  return (backendOf(backendName)?.kernels() ?? []).length > 0;
}

/** `run` on a backend that has every kernel. */
function installing<Run extends (...args: never[]) => unknown>(run: Run): Run {
  const installed = (...args: never[]) => {
    installKernels();
    return run(...args);
  };
  return installed as Run;
}

export const runMultiStepLIF = /* @__PURE__ */ installing(multiStepLIF.runMultiStepLIF);
export const runBatchNormTraining = /* @__PURE__ */ installing(batchNorm.runBatchNormTraining);
export const scaleAndShift = /* @__PURE__ */ installing(batchNormAffine.scaleAndShift);
export const runBatchNormLIF = /* @__PURE__ */ installing(batchNormLIF.runBatchNormLIF);
export const runBatchNormPool = /* @__PURE__ */ installing(batchNormPool.runBatchNormPool);
export const runLayerNorm = /* @__PURE__ */ installing(layerNorm.runLayerNorm);
export const runFirstMaxPool = /* @__PURE__ */ installing(maxPool.runFirstMaxPool);
export const runSpikeConv2D = /* @__PURE__ */ installing(spikeConv2D.runSpikeConv2D);
export const runSpikeConv2DLIF = /* @__PURE__ */ installing(spikeConv2DLIF.runSpikeConv2DLIF);
export const runSpikeConv2DPool = /* @__PURE__ */ installing(spikeConv2DPool.runSpikeConv2DPool);
export const runSpikeProduct = /* @__PURE__ */ installing(spikeProduct.runSpikeProduct);
export const runAdamWStep = /* @__PURE__ */ installing(updates.runAdamWStep);
export const runBlend = /* @__PURE__ */ installing(updates.runBlend);
export const runRunningStatistics = /* @__PURE__ */ installing(updates.runRunningStatistics);
export const runSpikingAttention = /* @__PURE__ */ installing(attention.runSpikingAttention);
/** Runs any of them by name, including a gradient's kernel outside of differentiation. */
export const runKernel = /* @__PURE__ */ installing(kernel.runKernel);
