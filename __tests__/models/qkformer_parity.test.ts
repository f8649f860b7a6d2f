/** Whole QKFormers against the authors' PyTorch code, as published and with time as the only axis of neurons. */
import * as spiking from 'tfjs-spikingformer';
import { describeModelParity } from '../support/model_parity';

const fixtures = [
  'qkformer_cifar_fixed',
  'qkformer_cifar_released',
  'qkformer_dvs_fixed',
  'qkformer_imagenet_released',
];

describeModelParity(fixtures, (name, { arguments: a, tau }) => {
  const image = [a.img_size_h, a.img_size_w, a.in_channels];
  const events = name.includes('dvs');
  return spiking.models.qkformer({
    inputShape: events ? [a.T, ...image] : image,
    numClasses: a.num_classes,
    embedDim: a.embed_dims,
    depth: a.depths,
    numHeads: a.num_heads,
    mlpRatio: a.mlp_ratios,
    patchSize: a.patch_size,
    tau,
    projLifAxis: name.includes('released') ? 'released' : 'time',
    ...(events ? {} : { timeSteps: a.T }),
  });
});
