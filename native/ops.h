// Each registers its ops with the TensorFlow that this process has loaded, unless `status` has an
// error.
#pragma once

#include "op.h"

namespace spikingformer {

/** SpikingformerMultiStepLif and its gradient: multi_step_lif.cc. */
void RegisterMultiStepLif(const Status& status);

/** SpikingformerFirstMaxPoolGrad: first_max_pool.cc. */
void RegisterFirstMaxPool(const Status& status);

/**
 * SpikingformerSpikeConv: spike_conv.cc.
 */
void RegisterSpikeConv(const Status& status);

/** SpikingformerSpikeConvLif, with LIF neurons behind the sums: spike_conv_lif.cc. */
void RegisterSpikeConvLif(const Status& status);

/** SpikingformerSpikeConvPool, with a max pool behind the sums: spike_conv_pool.cc. */
void RegisterSpikeConvPool(const Status& status);

/** SpikingformerSpikeConvFilterGrad and SpikingformerSpikeBitsFilterGrad: spike_filter_grad.cc. */
void RegisterSpikeFilterGrad(const Status& status);

/** SpikingformerProductInputGrad: tile_products.cc. */
void RegisterInputGradient(const Status& status);

/** SpikingformerPackSpikes and SpikingformerUnpackSpikes: spike_bits.cc. */
void RegisterSpikeBits(const Status& status);

/** SpikingformerDepthwiseFilterGrad: depthwise.cc. */
void RegisterDepthwise(const Status& status);

/** SpikingformerWinogradInputGrad: winograd.cc. */
void RegisterWinograd(const Status& status);

/** SpikingformerBatchNorm and its gradient: batch_norm.cc. */
void RegisterBatchNorm(const Status& status);

/**
 * SpikingformerBatchNormLif, with LIF neurons behind the norm, and its gradient: batch_norm_lif.cc.
 */
void RegisterBatchNormLif(const Status& status);

/** SpikingformerBatchNormPool, with a max pool behind the norm, and its gradient. */
void RegisterBatchNormPool(const Status& status);

/** SpikingformerLayerNorm and its gradient: layer_norm.cc. */
void RegisterLayerNorm(const Status& status);

/** SpikingformerAdamW, SpikingformerBlend and SpikingformerRunningStatistics: updates.cc. */
void RegisterUpdates(const Status& status);

/** SpikingformerAttention and its gradient: attention.cc. */
void RegisterAttention(const Status& status);

}  // namespace spikingformer
