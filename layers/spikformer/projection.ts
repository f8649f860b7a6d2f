/** What Spikformer's layers share: the two ways in which its authors wrote the linear maps. */
import { checkOneOf } from '../../lib/validate';

export const projections = ['linear', 'conv'] as const;
export type Projection = (typeof projections)[number];

export interface ProjectionOptions {
  /**
   * How the authors wrote the linear maps, each followed by a batch norm. 'linear' (CIFAR): q, k and v have a bias;
   * weights start normal with standard deviation 0.02, biases at 0. 'conv' (ImageNet, events): q, k and v have no bias;
   * all start as PyTorch's convolutions do. Default 'linear'.
   */
  projection?: Projection;
}

/** The option, checked. */
export function projectionOf({ projection = 'linear' }: ProjectionOptions): Projection {
  checkOneOf('projection', projection, projections);
  return projection;
}

/** LinearBN's option initStd for that projection. */
export function initStdOf(projection: Projection): number | null {
  return projection === 'linear' ? 0.02 : null;
}
