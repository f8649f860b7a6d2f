/** The neuron options of composite layers: one set for all LIF neurons inside, checked once. */
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { type LIFParams, neuronKeys, resolveLIF } from '../lib/neuron_params';
import { pick } from './layer';
import { LIFNode } from './lif_node';
import type { StatefulArgs } from './neuron_layer';

/** Options that every LIF neuron inside a composite gets. */
export type NeuronOptions = LIFParams & StatefulArgs;

/** Their names, for `checkLayerKeys`. */
export const neuronOptionKeys = [...neuronKeys.LIF, 'stateful'];

/** Makes a composite's neurons, and writes their options into its config. */
export class NeuronFactory {
  readonly attrs: NeuronAttrs;
  private readonly stateful: boolean;

  constructor(config: NeuronOptions) {
    this.attrs = resolveLIF(pick(config, neuronKeys.LIF));
    this.stateful = config.stateful ?? false;
  }

  /** The complete options, as a composite passes them to the composites inside it. */
  get options(): Required<NeuronOptions> {
    return { ...this.attrs, stateful: this.stateful };
  }

  lif(name: string, overrides: LIFParams = {}): LIFNode {
    return new LIFNode({ ...this.options, ...overrides, name });
  }
}
