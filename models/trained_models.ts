/**
 * The trained networks in the package's folder weights, whose files npm and the demo page take from there: what each
 * was trained on, how it is made again, and the hashes by which `load` knows its files.
 */

export interface TrainedModel {
  /** The samples it was trained on. */
  data: string;
  /** The license of these samples. */
  license: string;
  classes: number;
  /** Share of `samples` test samples that it classifies correctly, on wasm. */
  accuracy: number;
  samples: number;
  /** The recipe whose data and settings `spikingformer evaluate` and `energy` use. */
  recipe: string;
  /** The command that trains it again, in a clone. */
  command: string;
  /** Bytes and SHA-256 of each file in weights/NAME. */
  files: Readonly<Record<string, { bytes: number; sha256: string }>>;
}

/** As Keras states it (tf.keras.datasets.mnist); others who pass MNIST on state others. */
const LICENSE_OF_MNIST = 'CC BY-SA 3.0';

const models = {
  digits: {
    data: 'MNIST',
    license: LICENSE_OF_MNIST,
    classes: 10,
    accuracy: 0.9892,
    samples: 10_000,
    recipe: 'mnist-tiny',
    command: 'npm run demo:train',
    files: {
      'model.json': {
        bytes: 6209,
        sha256: '97974b00ad445ec2a80dfad42688f027e5b9bb111fc107b7c621a688e6b3fefc',
      },
      'model.weights.1b7b9519d2508f93.bin': {
        bytes: 457_416,
        sha256: '1b7b9519d2508f9359814cef4bf97823ef4e5adeb21398f816dd87b855125ff7',
      },
    },
  },
  cifar10: {
    data: 'CIFAR-10',
    license: 'none stated; its authors ask for a citation',
    classes: 10,
    accuracy: 0.8344,
    samples: 10_000,
    recipe: 'cifar10-2-128',
    command:
      'npx spikingformer train --recipe cifar10-2-128 --epochs 25 --backend tensorflow && ' +
      'npx spikingformer quantize runs/cifar10-2-128 --to float16',
    files: {
      'model.json': {
        bytes: 9553,
        sha256: 'e559d279aa9c528e1c259567d02954488e17bbf45589e5a0b5d7c011c35cf7fc',
      },
      'model.weights.1c5421956de9fc01.bin': {
        bytes: 1_327_240,
        sha256: '1c5421956de9fc01639ba3f736f7624834c3b78224a38b23a19d5068f72a8d8b',
      },
    },
  },
  recordings: {
    data: 'MNIST as an event camera records it, computed: 34 x 34, 8 frames of equal times',
    license: LICENSE_OF_MNIST,
    classes: 10,
    accuracy: 0.9234,
    samples: 10_000,
    recipe: 'own-events',
    command: 'npm run demo:train-events',
    files: {
      'model.json': {
        bytes: 6317,
        sha256: '54294ee99497799e536e585be723f6b78d4caedad0dab054532199b6683bd81b',
      },
      'model.weights.c7ee1cf2c551e4e4.bin': {
        bytes: 118_664,
        sha256: 'c7ee1cf2c551e4e496da1bdc5e812a5f7b769e046c6b2b9ab301e6a72a2c78cd',
      },
    },
  },
  sentences: {
    data: 'rated sentences of film reviews, tokenized by tokenizers/ratedsentences.json',
    license: 'MIT',
    classes: 2,
    accuracy: 0.7785,
    samples: 2113,
    recipe: 'sentences-1-64',
    command: 'npm run demo:train-text',
    files: {
      'model.json': {
        bytes: 4389,
        sha256: 'c306c795b5f0b3a88c524c29f840b54ce21d93640f7eb3c38dd61e92663efbf0',
      },
      'model.weights.17a037696560d9f8.bin': {
        bytes: 1_178_632,
        sha256: '17a037696560d9f851df7fe302c2a64f566f3c89574a9557207e6717d3e14358',
      },
    },
  },
} as const satisfies Record<string, TrainedModel>;

/** A name that `load` knows. */
export type TrainedModelName = keyof typeof models;

/** By name. */
export const trainedModels: Readonly<Record<TrainedModelName, TrainedModel>> = models;

export const isTrainedModel = (name: string): name is TrainedModelName =>
  Object.hasOwn(models, name);
