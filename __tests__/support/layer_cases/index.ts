/** Every exported layer at least once, in small: a file per family, and of those that are useful alone. */
import type { LayerCase } from './_layer_case';
import { containers } from './containers';
import { ends } from './ends';
import { maps } from './maps';
import { maxformer } from './maxformer';
import { maxresnet } from './maxresnet';
import { msqkformer } from './msqkformer';
import { neurons } from './neurons';
import { qkformer } from './qkformer';
import { sglformer } from './sglformer';
import { spikeBert } from './spike_bert';
import { spikeDrivenTransformer } from './spike_driven_transformer';
import { spikeclip } from './spikeclip';
import { spikformer } from './spikformer';
import { spikingformer } from './spikingformer';

export type { LayerCase } from './_layer_case';

export const layerCases: LayerCase[] = [
  ...neurons,
  ...maps,
  ...containers,
  ...ends,
  ...spikingformer,
  ...spikformer,
  ...qkformer,
  ...msqkformer,
  ...maxformer,
  ...maxresnet,
  ...sglformer,
  ...spikeDrivenTransformer,
  ...spikeBert,
  ...spikeclip,
];

export const titled = layerCases.map((layerCase) => {
  const { className, variant } = layerCase;
  return [variant ? `${className} ${variant}` : className, layerCase] as const;
});
