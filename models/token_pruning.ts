/** A network's options for blocks that compute with their most informative tokens only, as TP-Spikformer. */
import { invalid } from '../lib/validate';
import type { NetworkOptions } from './options';

export interface TokenPruning {
  /**
   * How many tokens each block computes with, from 1, or a share of them, below 1; or a list of one for each block, in
   * which null is all. The others pass the block by. Default: all. See PruningBlockConfig.
   */
  keepTokens?: number | readonly (number | null)[];
  /** With keepTokens: windowSize of `tokenScores`. Default 3, of QKFormer 7. */
  scoreWindow?: number;
}

export const tokenPruningOptions = {
  keepTokens: { type: 'tokens', perBlock: true },
  scoreWindow: { type: 'integer', max: 99 },
} satisfies NetworkOptions;

/** What each of that many blocks gets of them. */
export function pruningOfBlocks({ keepTokens, scoreWindow }: TokenPruning, depth: number) {
  if (typeof keepTokens === 'object' && keepTokens.length !== depth) {
    throw invalid('keepTokens', `one for each of the ${depth} blocks`, keepTokens);
  }
  return Array.from({ length: depth }, (_, i) => ({
    keepTokens: typeof keepTokens === 'object' ? keepTokens[i] : keepTokens,
    scoreWindow,
  }));
}
