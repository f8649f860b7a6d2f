/**
 * Which pixel each pooled value came from. With CML (arXiv 2305.05954) the pool takes the largest membrane input,
 * one pixel; without, it takes a spike, and all pixels that fired tie.
 */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { walkLayers } from 'tfjs-spikingformer/analysis';
import type { Network } from './network';
import { inputOf, layerAt } from './sublayers';

/** A downsampling layer that pools. */
export interface PoolingStage {
  path: string;
  channels: number;
}

export interface PoolingPicture {
  channel: number;
  step: number;
  /** Of the map before the pool. */
  height: number;
  width: number;
  /** What would charge the neurons, `[height, width]`. */
  values: Float32Array;
  /** Which of them would fire at this step, 0 or 1. */
  spikes: Float32Array;
  /** Of each pooled value, the pixels that it may have come from: with CML one, without it all that fired. */
  withCML: number[][];
  withoutCML: number[][];
}

interface Window {
  poolSize: number;
  poolStrides: number;
}

const poolsSomething = ({ poolSize, poolStrides }: Window) => poolSize > 1 || poolStrides > 1;

export function poolingStages(model: tf.LayersModel): PoolingStage[] {
  const stages: PoolingStage[] = [];
  walkLayers(model, (layer, path) => {
    if (layer.getClassName() !== 'CMLDownsample') return;
    const { filters, ...window } = layer.getConfig() as unknown as Window & { filters: number };
    if (poolsSomething(window)) stages.push({ path, channels: filters });
  });
  return stages;
}

/** The pixels in each window of the pool, row by row. */
function windows(height: number, width: number, { poolSize, poolStrides }: Window): number[][] {
  const padding = Math.floor((poolSize - 1) / 2);
  const starts = (side: number) =>
    Array.from(
      { length: Math.floor((side + 2 * padding - poolSize) / poolStrides) + 1 },
      (_, i) => i * poolStrides - padding,
    );
  const inside = (from: number, side: number) =>
    Array.from({ length: poolSize }, (_, i) => from + i).filter((at) => at >= 0 && at < side);
  return starts(height).flatMap((top) =>
    starts(width).map((left) =>
      inside(top, height).flatMap((y) => inside(left, width).map((x) => y * width + x)),
    ),
  );
}

/** The channel in which most neurons fired. */
function busiest(spikes: Float32Array, channels: number): number {
  const counts = new Float32Array(channels);
  for (let i = 0; i < spikes.length; i++) counts[i % channels]! += spikes[i]!;
  return counts.indexOf(Math.max(...counts));
}

/** @param channel null: the one in which most fired */
export async function pooledPixels(
  network: Network,
  bytes: Uint8Array,
  path: string,
  channel: number | null,
  step: number,
): Promise<PoolingPicture> {
  const stage = layerAt(network.model, path);
  const config = stage.getConfig() as unknown as Window & { timeSteps: number | null };
  const convBN = layerAt(network.model, `${path}/conv_bn`);
  const { tau, vThreshold, vReset, decayInput } = layerAt(
    network.model,
    `${path}/lif`,
  ).getConfig() as Required<spiking.LIFParams>;
  const image = network.input(bytes);
  const input = inputOf(network.model, image, stage);
  const [charge, fired] = tf.tidy(() => {
    const { timeSteps } = config;
    const y = convBN.apply(timeSteps ? input.expandDims(1) : input) as tf.Tensor;
    const overTime = timeSteps ? y.tile([1, timeSteps, 1, 1, 1]) : y;
    const s = spiking.multiStepLIF(overTime, { tau, vThreshold, vReset, decayInput });
    const at = (x: tf.Tensor) => x.slice([0, step], [1, 1]).squeeze([0, 1]);
    return [at(overTime), at(s)] as [tf.Tensor3D, tf.Tensor3D];
  });
  const [height, width, channels] = charge.shape;
  const [all, allSpikes] = await Promise.all([charge.data<'float32'>(), fired.data<'float32'>()]);
  tf.dispose([image, input, charge, fired]);
  const chosen = channel ?? busiest(allSpikes, channels);
  const values = all.filter((_, i) => i % channels === chosen);
  const spikes = allSpikes.filter((_, i) => i % channels === chosen);
  const places = windows(height, width, config);
  const largest = (pixels: number[]) =>
    pixels.reduce((best, pixel) => (values[pixel]! > values[best]! ? pixel : best));
  return {
    ...{ channel: chosen, step, height, width, values, spikes },
    withCML: places.map((pixels) => [largest(pixels)]),
    withoutCML: places.map((pixels) => pixels.filter((pixel) => spikes[pixel] === 1)),
  };
}
