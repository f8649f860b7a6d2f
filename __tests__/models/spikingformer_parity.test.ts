/** Whole Spikingformers and Spikformers against the authors' PyTorch code: spikes, logits, loss, gradients, running statistics. */
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { type Build, describeModelParity } from '../support/model_parity';

const fixtures = [
  'cml_spikingformer_cifar',
  'cml_spikingformer_cifar_depth2',
  'cml_spikingformer_imagenet',
  'cml_spikingformer_dvs',
  'spikingformer_cifar_without_cml',
  'spikingformer_imagenet_without_cml',
  'cml_spikformer_cifar',
];

const build: Build = (name, { arguments: a, tau }) => {
  const { spikformer, spikingformer } = spiking.models;
  const family = name.includes('spikformer') ? spikformer : spikingformer;
  const image = [a.img_size_h, a.img_size_w, a.in_channels];
  const events = name.includes('dvs');
  return family({
    inputShape: events ? [a.T, ...image] : image,
    numClasses: a.num_classes,
    embedDim: a.embed_dims,
    depth: a.depths,
    numHeads: a.num_heads,
    patchSize: a.patch_size,
    tau,
    order: name.includes('without_cml') ? 'conv-bn-lif-pool' : 'conv-bn-pool-lif',
    ...(events ? {} : { timeSteps: a.T }),
  });
};

describeModelParity(fixtures, build, { describeBackends: describeEachBackend });
