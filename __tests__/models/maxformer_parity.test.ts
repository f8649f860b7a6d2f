/** Whole Max-Formers and MS-QKFormers against the authors' PyTorch code, and built of its args alone. */
import * as spiking from 'tfjs-spikingformer';
import { expectSpikesEqual, loadFixture } from '../support/fixtures';
import { type Build, describeModelParity, type ModelMeta } from '../support/model_parity';

/** The neuron on the first shortcut of the CIFAR code has the input of the one beside it, and is that one here. */
const twin = 'patch_embed1.embed2.embed_lif';
const cifar = ['maxformer_cifar', 'msqkformer_cifar'];
const others = ['maxformer_imagenet', 'msqkformer_event', 'msqkformer_imagenet'];

const build: Build = (name, { arguments: args }) => {
  const { tensors } = loadFixture(`models/${name}.state`);
  const { preset, config } = spiking.interop.recognizePreset(tensors, { args });
  // The arguments of one fixture have no sizes of an image.
  const image = name === 'maxformer_imagenet' ? { inputShape: [32, 32, 3] } : {};
  return spiking.models.create(preset, { ...config, ...image });
};

describeModelParity(cifar, build, { without: twin });
describeModelParity(others, build);

test.each(cifar)('%s: twins fire alike', (name) => {
  const io = loadFixture<ModelMeta>(`models/${name}.io`);
  for (const mode of ['eval', 'train']) {
    const [one, other] = ['embed1', 'embed2'].map((embed) =>
      io.values(`${mode}.lif.patch_embed1.${embed}.embed_lif`),
    );
    expectSpikesEqual(one!, other!);
  }
});
