/** A whole network's weights after one AdamW step, against PyTorch's. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { adamW, smoothTargets, softTargetCrossEntropy } from 'tfjs-spikingformer/training';
import { torchEntries } from '../../models/families';
import { describeEachBackend } from '../support/backends';
import { loadFixture, modelInputToOurs, toTensor, valuesOf } from '../support/fixtures';

interface Meta {
  arguments: Record<string, number>;
  tau: number;
  T: number;
}
interface TrainMeta extends Meta {
  parameters_without_gradient: string[];
  parameters_with_mathematically_zero_gradient: string[];
}

const names = [
  'cml_spikingformer_cifar',
  'cml_spikingformer_cifar_depth2',
  'cml_spikingformer_imagenet',
  'cml_spikingformer_dvs',
];
const LR = 1e-3;

function build(name: string): tf.LayersModel {
  const { arguments: a, tau } = loadFixture<Meta>(`models/${name}.io`).meta;
  const image = [a.img_size_h!, a.img_size_w!, a.in_channels!];
  const events = name.includes('dvs');
  const model = spiking.models.spikingformer({
    inputShape: events ? [a.T!, ...image] : image,
    numClasses: a.num_classes!,
    embedDim: a.embed_dims!,
    depth: a.depths!,
    numHeads: a.num_heads!,
    patchSize: a.patch_size!,
    tau,
    ...(events ? {} : { timeSteps: a.T! }),
  });
  spiking.interop.loadTorchStateDict(model, loadFixture(`models/${name}.state`).tensors);
  return model;
}

describeEachBackend('one step of AdamW, as PyTorch takes it', () => {
  const cases = names.flatMap((name) => {
    const train = loadFixture<TrainMeta>(`models/${name}.train`);
    return ['adamw_all_decay', 'adamw_timm_groups']
      .filter((kind) => train.names(`${kind}.`).length > 0)
      .map((kind) => [name, kind, train] as const);
  });
  test('both ways of decay are in the fixtures', () => {
    expect(new Set(cases.map(([, kind]) => kind)).size).toBe(2);
  });

  test.each(cases)('%s, %s', (name, kind, train) => {
    const io = loadFixture(`models/${name}.io`);
    const model = build(name);
    const optimizer = adamW({
      learningRate: LR,
      weightDecay: 0.05,
      decayAll: kind === 'adamw_all_decay',
    });
    const entries = torchEntries(model).filter(
      ({ variable, key }) => variable && !key.includes('running_'),
    );
    tf.tidy(() => {
      const x = toTensor(modelInputToOurs(io.values('x')));
      const labels = io.values('target').data;
      const numClasses = model.outputs[0]!.shape[1]!;
      const targets = tf.tensor(smoothTargets(labels, numClasses), [labels.length, numClasses]);
      optimizer.minimize(
        () => softTargetCrossEntropy(targets, model.apply(x, { training: true }) as tf.Tensor),
        false,
        entries.map(({ variable }) => variable!.read() as tf.Variable),
      );
    });

    let close = 0;
    let all = 0;
    for (const { key, variable } of entries) {
      const actual = valuesOf(variable!.read()).data;
      const expected = train.weight(`${kind}.${key}`).data;
      const vanishing = train.meta.parameters_with_mathematically_zero_gradient.includes(key);
      const grad = train.has(`grad.${key}`) ? train.weight(`grad.${key}`).data : undefined;
      const largest = grad?.reduce((max, g) => Math.max(max, Math.abs(g)), 0) ?? 0;
      actual.forEach((value, i) => {
        const g = Math.abs(grad?.[i] ?? 0);
        const exact = !vanishing && g > 1e-3 * largest && g > 1e-6;
        const difference = Math.abs(value - expected[i]!);
        if (!(difference <= (exact ? 1e-6 : 2.1 * LR))) {
          throw new Error(`${key}[${i}] is ${value}, must be ${expected[i]} (gradient ${g})`);
        }
        all++;
        if (exact) close++;
      });
    }
    expect(close / all).toBeGreaterThan(0.9);
    optimizer.dispose();
    model.dispose();
  });
});
