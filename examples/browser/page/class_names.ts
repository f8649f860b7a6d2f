/** What classes are called, of the data sets that a page's networks know. */
import type { NetworkInfo } from '../network/network';

const CIFAR10 = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

export function classNames({ dataSet, classes }: NetworkInfo): string[] {
  if (dataSet === 'cifar10' || dataSet === 'cifar10dvs') return CIFAR10;
  const digits = dataSet === 'mnist' || dataSet === 'nmnist';
  return Array.from({ length: classes }, (_, i) => (digits ? `${i}` : `class ${i}`));
}
