import { didYouMean, editDistance, nearestName } from '../../lib/did_you_mean';

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', '', 3],
  ['kitten', 'sitting', 3],
  ['mnsit', 'mnist', 1],
  ['ab', 'ba', 1],
])('from %j to %j are %i edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

test('the nearest name, or the only longer one', () => {
  const names = ['mnist', 'cifar10', 'cifar100', 'imagenet'];
  expect(nearestName('minst', names)).toBe('mnist');
  expect(nearestName('CIFAR-10', names)).toBe('cifar10');
  expect(nearestName('image', names)).toBe('imagenet');
  expect(nearestName('coco', names)).toBeUndefined();
  expect(nearestName('', names)).toBeUndefined();
  expect(didYouMean('cifar1000', names)).toBe(' (Did you mean cifar100?)');
  expect(didYouMean('x', names)).toBe('');
  expect(nearestName('x'.repeat(1e6), names)).toBeUndefined();
});
