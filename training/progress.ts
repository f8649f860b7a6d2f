/** Everything of a run that is no tensor: where it stands, and what it has measured. */
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
