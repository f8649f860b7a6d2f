/** Whole SGLFormers against the authors' PyTorch code; the ImageNet ones as published and with time as the only axis of neurons. */
import * as spiking from 'tfjs-spikingformer';
import { describeModelParity } from '../support/model_parity';
import { sglformerSpikes } from '../support/sglformer_spikes';

const fixtures = [
  'sglformer_cifar',
  'sglformer_dvs',
  'sglformer_imagenet2_fixed',
  'sglformer_imagenet2_released',
  'sglformer_imagenet_released',
];

describeModelParity(
  fixtures,
  (name, { arguments: a, tau }) => {
    const image = [a.img_size_h, a.img_size_w, a.in_channels];
    const events = name.includes('dvs');
    return spiking.models.sglformer({
      inputShape: events ? [a.T, ...image] : image,
      numClasses: a.num_classes,
      embedDim: a.embed_dims,
      depth: a.depths,
      numHeads: a.num_heads,
      mlpRatio: a.mlp_ratios,
      patchSize: a.patch_size,
      tau,
      pooling: name.includes('imagenet_') ? 'early' : 'late',
      projLifAxis: name.includes('released') ? 'released' : 'time',
      ...(events ? {} : { timeSteps: a.T }),
    });
  },
  { expectedSpikes: sglformerSpikes },
);
