/** The state of a run apart from tensors: its position and its measurements. */
import type { EpochReport, Position } from './observer';

/** Sums over the samples of the epoch so far. */
export interface EpochSums {
  samples: number;
  loss: number;
  right: number;
}

export interface Progress {
  position: Position;
  sums: EpochSums;
  history: EpochReport[];
}

export const noSums = (): EpochSums => ({ samples: 0, loss: 0, right: 0 });
