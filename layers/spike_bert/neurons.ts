/** SpikeBERT's neurons: arctangent surrogates by default. */
import { NeuronFactory, type NeuronOptions } from '../neuron_options';

export const textNeurons = (config: NeuronOptions): NeuronFactory =>
  new NeuronFactory({ ...config, surrogate: config.surrogate ?? 'atan' });
