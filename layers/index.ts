/**
 * The layers: for each, a class and a factory function of the same name in lower camel case. Importing this file
 * registers every class.
 *
 * @packageDocumentation
 */
export {
  BatchNormOverTime,
  type BatchNormOverTimeConfig,
  batchNormOverTime,
} from './batch_norm_over_time';
export { Chain, type ChainConfig, chain, Residual, residual } from './chain';
export {
  CMLDownsample,
  type CMLDownsampleConfig,
  cmlDownsample,
  type DownsampleOrder,
} from './cml_downsample';
export { ConvBN, type ConvBNConfig, convBN } from './conv_bn';
export { DepthwiseConvBN, type DepthwiseConvBNConfig, depthwiseConvBN } from './depthwise_conv_bn';
export { DirectEncoding, type DirectEncodingConfig, directEncoding } from './direct_encoding';
export { FoldTime, type FoldTimeConfig, foldTime } from './fold_time';
export { IFNode, type IFNodeConfig, ifNode } from './if_node';
export { LatencyEncoder, type LatencyEncoderConfig, latencyEncoder } from './latency_encoder';
export { LayerNorm, type LayerNormConfig, layerNorm } from './layer_norm';
export { LIFNode, type LIFNodeConfig, lifNode } from './lif_node';
export { LinearBN, type LinearBNConfig, linearBN } from './linear_bn';
export { LinearLN, type LinearLNConfig, linearLN } from './linear_ln';
export * from './maxformer';
export * from './maxresnet';
export * from './msqkformer';
export {
  ParametricLIFNode,
  type ParametricLIFNodeConfig,
  parametricLIFNode,
} from './parametric_lif_node';
export { PoissonEncoder, type PoissonEncoderConfig, poissonEncoder } from './poisson_encoder';
export * from './qkformer';
export { RateReadout, rateReadout } from './rate_readout';
export * from './sglformer';
export * from './spike_bert';
export * from './spike_driven_transformer';
export * from './spikeclip';
export * from './spikformer';
export * from './spikingformer';
export { TokenEmbedding, type TokenEmbeddingConfig, tokenEmbedding } from './token_embedding';
export { TokenMean, tokenMean } from './token_mean';
