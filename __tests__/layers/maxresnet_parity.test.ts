/** Max-ResNet's residual blocks against the authors' modules. */
import * as spiking from 'tfjs-spikingformer';
import { describeLayerParity } from '../support/layer_parity';

const { maxResNetBlock } = spiking.layers;

// Both take 16 channels.
describeLayerParity([
  ['ms_resnet_block', () => maxResNetBlock({ filters: 16 })],
  ['max_resnet_block', () => maxResNetBlock({ filters: 32, pool: true })],
]);
