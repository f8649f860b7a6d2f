/** Whole Spike-driven Transformers against the authors' PyTorch code: images, events with spread spikes, answers at each step. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { type Build, describeModelParity } from '../support/model_parity';

const build: Build = (_, { arguments: a }) => {
  const image = [a.img_size_h, a.img_size_w, a.in_channels];
  const events = a.in_channels === 2;
  return spiking.models.spikeDrivenTransformer({
    inputShape: events ? [a.T, ...image] : image,
    numClasses: a.num_classes,
    embedDim: a.embed_dims,
    depth: a.depths,
    numHeads: a.num_heads,
    poolingStat: a.pooling_stat!,
    dvsMode: a.dvs_mode ?? false,
    ...(events ? {} : { timeSteps: a.T }),
  });
};

describeModelParity(['sdt_cifar', 'sdt_imagenet', 'sdt_cifar10dvs'], build);

/** The network as its authors train it by TET: it answers at each time step. */
const perStep: Build = (name, meta) => {
  const model = build(name, meta);
  const outputs = model.getLayer('readout').input as tf.SymbolicTensor;
  return tf.model({ inputs: model.inputs, outputs });
};

/** TET's loss, lambda 0.001 and means 1: (1 - lambda) mean cross-entropy of all steps + lambda mean (logit - 1)^2. */
function tet(logits: tf.Tensor, target: tf.Tensor1D): tf.Scalar {
  const lambda = 0.001;
  const [, time, classes] = logits.shape as [number, number, number];
  const labels = tf.oneHot(target.toInt(), classes).expandDims(1).tile([1, time, 1]);
  const entropy = tf.losses.softmaxCrossEntropy(labels, logits).mul(1 - lambda);
  return entropy.add(logits.sub(1).square().mean().mul(lambda)).asScalar();
}

describeModelParity(['sdt_cifar_tet'], perStep, { loss: tet });
