/** What a data set decides of the networks that presets have for it. */

export const cifar10 = { inputShape: [32, 32, 3], numClasses: 10, patchSize: 4 };
export const cifar100 = { inputShape: [32, 32, 3], numClasses: 100, patchSize: 4 };
export const imagenet = { inputShape: [224, 224, 3], numClasses: 1000, patchSize: 16 };
export const cifar10dvs = { inputShape: [16, 128, 128, 2], numClasses: 10, patchSize: 16 };
export const dvs128 = { inputShape: [16, 128, 128, 2], numClasses: 11, patchSize: 16 };
