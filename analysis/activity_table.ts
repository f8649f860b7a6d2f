/** Firing rates as text: each neuron layer, its zeros, and its rate at every time step. */

import { aligned } from './_text';
import type { Activity } from './activity';

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/**
 * One line per neuron layer: firing rate, sparsity (the share of neurons and steps that stay silent), and the rate at
 * each time step; 'silent' marks layers that never fire.
 */
export function activityTable({ neurons, samples }: Activity): string {
  const head = ['neurons', 'rate', 'sparsity', 'rate at each time step'];
  const rows = [...neurons].map(([path, { density, perStep }]) => [
    path,
    percent(density),
    percent(1 - density),
    density === 0 ? 'silent' : perStep.map((rate) => (100 * rate).toFixed(2)).join(' '),
  ]);
  return [
    ...aligned([head, ...rows], ['left', 'right', 'right', 'left']),
    `over ${samples} samples`,
  ].join('\n');
}
