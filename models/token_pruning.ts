/** The options of networks whose blocks compute with their most informative tokens only, as in TP-Spikformer. */
import { invalid } from '../lib/validate';
import type { NetworkOptions } from './options';

export interface TokenPruning {
  /**
   * How many tokens each block computes with: a count from 1, or a share below 1; or a list with one entry per block,
   * null for all. The other tokens pass the block unchanged. Default: all. See PruningBlockConfig.
   */
  keepTokens?: number | readonly (number | null)[];
  /** With keepTokens: windowSize of `tokenScores`. Default 3; 7 for QKFormer. */
  scoreWindow?: number;
}

export const tokenPruningOptions = {
  keepTokens: { type: 'tokens', perBlock: true },
  scoreWindow: { type: 'integer', max: 99 },
} satisfies NetworkOptions;

/** The pruning options of each of that many blocks. */
export function pruningOfBlocks({ keepTokens, scoreWindow }: TokenPruning, depth: number) {
  if (typeof keepTokens === 'object' && keepTokens.length !== depth) {
    throw invalid(
      'keepTokens',
      `a list with one entry for each of the ${depth} blocks`,
      keepTokens,
    );
  }
  return Array.from({ length: depth }, (_, i) => ({
    keepTokens: typeof keepTokens === 'object' ? keepTokens[i] : keepTokens,
    scoreWindow,
  }));
}
