/** The options that a data set determines for the networks in its presets. */
import { dataSets } from '../datasets/data_sets';

const {
  cifar10: c10,
  cifar100: c100,
  imagenet: in1k,
  cifar10dvs: c10dvs,
  dvs128gesture,
} = dataSets;

const images = ({ sample, classes }: { sample: readonly number[]; classes: number }) => ({
  inputShape: [...sample],
  numClasses: classes,
});

/** In 16 frames. */
const events = ({ sample, classes }: { sample: readonly number[]; classes: number }) => ({
  inputShape: [16, ...sample],
  numClasses: classes,
});

export const cifar10 = { ...images(c10), patchSize: 4 };
export const cifar100 = { ...images(c100), patchSize: 4 };
export const imagenet = { ...images(in1k), patchSize: 16 };
export const cifar10dvs = { ...events(c10dvs), patchSize: 16 };
export const dvs128 = { ...events(dvs128gesture), patchSize: 16 };
