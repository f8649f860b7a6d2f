/** Which token attends to which: q kT of spikes, before any scale, in every block that has both. */
import * as tf from '@tensorflow/tfjs';
import { walkLayers } from 'tfjs-spikingformer/analysis';

export interface AttentionMap {
  /** Of the attention layer. */
  path: string;
  timeSteps: number;
  heads: number;
  /** Tokens down and across the image. */
  grid: [rows: number, columns: number];
  /** `[time, heads, tokens, tokens]`: in how many channels query and key both fired. */
  weights: Float32Array;
}

/** @param spikes what `observe` returns for one image */
export async function attentionMaps(
  model: tf.LayersModel,
  spikes: ReadonlyMap<string, tf.Tensor>,
): Promise<AttentionMap[]> {
  const places: { path: string; heads: number }[] = [];
  walkLayers(model, (layer, path) => {
    const { numHeads } = layer.getConfig();
    if (numHeads && spikes.has(`${path}/q_lif`) && spikes.has(`${path}/k_lif`)) {
      places.push({ path, heads: Number(numHeads) });
    }
  });
  const maps: AttentionMap[] = [];
  for (const { path, heads } of places) {
    const [q, k] = [spikes.get(`${path}/q_lif`)!, spikes.get(`${path}/k_lif`)!];
    if (q.rank !== 5 || q.shape.join() !== k.shape.join()) continue; // tokens that lie on no grid
    const [, timeSteps, rows, columns, channels] = q.shape as number[];
    const product = tf.tidy(() => {
      const byHead = (x: tf.Tensor) =>
        x.reshape([timeSteps!, rows! * columns!, heads, channels! / heads]).transpose([0, 2, 1, 3]);
      return tf.matMul(byHead(q), byHead(k), false, true);
    });
    const weights = await product.data<'float32'>();
    product.dispose();
    maps.push({ path, timeSteps: timeSteps!, heads, grid: [rows!, columns!], weights });
  }
  return maps;
}
