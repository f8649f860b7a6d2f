/** What is known of each data set before any of its bytes are there: presets, recipes, readers and commands ask here. */

interface Described {
  classes: number;
  /** Samples of each split when complete. */
  samples: { readonly train: number; readonly test: number };
  /** Per channel, of values in 0..1: what networks take is (x - mean) / std. */
  mean?: readonly number[];
  std?: readonly number[];
}

/** Images, or recordings of events, which become frames. */
export interface PixelDescription extends Described {
  kind: 'images' | 'events';
  /** A sample `[height, width, channels]`; of events, a frame, and of ImageNet, what its networks take. */
  sample: readonly [height: number, width: number, channels: number];
}

/** Sentences, as ids of tokens. */
export interface TextDescription extends Described {
  kind: 'text';
  /** A sample: so many ids, longer sentences cut, shorter ones filled up with padId. */
  sample: readonly [tokens: number];
  /** Tokens that the data set's tokenizer knows. */
  vocabSize: number;
  padId: number;
  /** The id of what the tokenizer does not know. */
  unknownId: number;
}

export type DataSetDescription = PixelDescription | TextDescription;

export const dataSets = {
  mnist: {
    kind: 'images',
    sample: [28, 28, 1],
    classes: 10,
    samples: { train: 60_000, test: 10_000 },
    mean: [0.1307],
    std: [0.3081],
  },
  cifar10: {
    kind: 'images',
    sample: [32, 32, 3],
    classes: 10,
    samples: { train: 50_000, test: 10_000 },
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
  },
  cifar100: {
    kind: 'images',
    sample: [32, 32, 3],
    classes: 100,
    samples: { train: 50_000, test: 10_000 },
    mean: [0.5071, 0.4867, 0.4408],
    std: [0.2675, 0.2565, 0.2761],
  },
  imagenet: {
    kind: 'images',
    sample: [224, 224, 3],
    classes: 1000,
    samples: { train: 1_281_167, test: 50_000 },
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  nmnist: {
    kind: 'events',
    sample: [34, 34, 2],
    classes: 10,
    samples: { train: 60_000, test: 10_000 },
  },
  cifar10dvs: {
    kind: 'events',
    sample: [128, 128, 2],
    classes: 10,
    samples: { train: 9_000, test: 1_000 },
  },
  dvs128gesture: {
    kind: 'events',
    sample: [128, 128, 2],
    classes: 11,
    samples: { train: 1_176, test: 288 },
  },
  ratedsentences: {
    kind: 'text',
    sample: [48],
    classes: 2,
    samples: { train: 8_453, test: 2_113 },
    vocabSize: 8_000,
    padId: 0,
    unknownId: 1,
  },
} as const satisfies Record<string, DataSetDescription>;

export type DataSetName = keyof typeof dataSets;

export const dataSetNames = Object.keys(dataSets) as DataSetName[];
