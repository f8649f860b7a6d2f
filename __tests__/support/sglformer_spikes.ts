/** SGLFormer's recorded spikes as ours: the authors have groups of pixels in the batch, and heads on an axis of their own. */
import { type ExpectedSpikes, permute, spikesOf, type Values } from './fixtures';

/** (T, N, heads, L, D) to [N, T, L, heads D]. */
function mergeHeads({ shape, data }: Values): Values {
  const [time, batch, heads, tokens, size] = shape as [number, number, number, number, number];
  const { data: ours } = permute({ shape, data }, [1, 0, 3, 2, 4]);
  return { shape: [batch, time, tokens, heads * size], data: ours };
}

/** Group 4 n + 2 (y % 2) + x % 2 of pixels [4 N, T, ..., C] to images [N, T, H, W, C]. */
function toImages({ data }: Values, shape: readonly number[]): Values {
  const [batch, time, height, width, channels] = shape as [number, number, number, number, number];
  const groups = { shape: [batch, 2, 2, time, height / 2, width / 2, channels], data };
  return { shape: [...shape], data: permute(groups, [0, 3, 4, 1, 5, 2, 6]).data };
}

export const sglformerSpikes: ExpectedSpikes = (fixture, name, timeSteps, shape) => {
  const values = fixture.values(name);
  const isByHead = name.endsWith('attn_lif') && values.shape.length === 5;
  const ours = isByHead ? mergeHeads(values) : spikesOf(fixture, name, timeSteps);
  return ours.shape[0] === shape[0] ? ours : toImages(ours, shape);
};
