/**
 * The wasm backend's extra kernels, in AssemblyScript. They run on the memory of tfjs's module, hold no data, and write
 * only where the caller tells them to.
 */
export { areSpikes, attention, attentionGrad } from './attention';
export { batchNormApply, batchNormGradApply, batchNormGradSums, batchNormSums } from './batch_norm';
export { convDirect, convPackFlipped, convPackForward } from './conv_direct';
export { convFilterGrad } from './conv_filter_grad';
export { depthwiseConv, depthwiseFilterGrad } from './depthwise_conv';
export { matMul } from './mat_mul';
export { maxPool, maxPoolGrad } from './max_pool';
export { lif } from './multi_step_lif';
export { lifGrad } from './multi_step_lif_grad';
export { sumMiddle, sumTrailing } from './sum';
export { areFinite, countBits, countNonZero, sparseFilterGrad } from './sparse_filter_grad';
export { addMultiples, addRows, spikeConv } from './spike_conv';
export { spikeConvPack } from './spike_conv_pack';
export { scaleAndShift } from './scale_and_shift';
export { copyStrided, transposeStrided } from './strided_copy';
export { unpackSpikes } from './unpack_spikes';
export { winogradConv, winogradFilter } from './winograd';
