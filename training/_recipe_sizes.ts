/** Limits on what a recipe allocates in total: each number may be valid while their product is not. */
import { parseRandAugment } from '../datasets/transforms';
import { list, presetConfig } from '../models/registry';
import type { Complain, Recipe } from './recipe';
import { describeData } from './recipe_data';

/** The most weights in all blocks: 8 GB of float32. */
const MOST_WEIGHTS = 2e9;
/** The most numbers in the samples of one batch: 2 GiB of float32. */
const MOST_IN_BATCH = 2 ** 29;

export function checkSizes(recipe: Recipe, complain: Complain): void {
  const { model, data, batchSize, evaluation, augment } = recipe;
  const { preset, ...given } = model;
  const known = preset !== undefined && list().includes(preset) ? presetConfig(preset) : {};
  const sizes = { embedDim: 0, depth: 0, mlpRatio: 4, timeSteps: 4, ...known, ...given };
  const { embedDim, mlpRatio, timeSteps, depths = [sizes.depth] } = sizes;
  const depth = depths.reduce((sum, blocks) => sum + blocks, 0);
  // In each block: query, key, value, projection, and the two maps of the MLP.
  const weights = depth * embedDim ** 2 * (4 + 2 * mlpRatio);
  if (weights > MOST_WEIGHTS) {
    complain(
      ['model'],
      `must have at most ${MOST_WEIGHTS / 1e9} billion weights, but depth ${depth} with embedDim ${embedDim} has ${(weights / 1e9).toFixed(1)} billion`,
    );
  }
  const { kind, sample } = describeData(data);
  const numbers = sample.reduce<number>((a, b) => a * b, 1) * (kind === 'events' ? timeSteps : 1);
  const most = Math.max(1, Math.floor(MOST_IN_BATCH / numbers));
  for (const [path, size] of [
    [['batchSize'], batchSize],
    [['evaluation', 'batchSize'], evaluation?.batchSize ?? 0],
  ] as const) {
    if (size > most) complain([...path], `must be at most ${most} for samples of ${data.name}`);
  }
  if (augment?.autoAugment == null) return;
  try {
    parseRandAugment(augment.autoAugment);
  } catch (error) {
    complain(['augment', 'autoAugment'], (error as Error).message.replace(/^autoAugment /, ''));
  }
}
