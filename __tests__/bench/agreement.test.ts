import { agreement } from '../../bench/_agreement';

const check = (forward: number[][], backward?: number[][]) => ({ forward, backward });

test('rounding is the same', () => {
  const { same, text } = agreement(
    check([
      [1, -2],
      [3, 4],
    ]),
    check([
      [1.00001, -2],
      [3, 4.0001],
    ]),
  );
  expect(same).toBe(true);
  expect(text).toMatch(/^2 of 2 samples equal, largest difference 0\.0025 %$/);
});

test.each<[string, number[][], number[][], boolean]>([
  [
    'a flipped spike in one sample of two',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1, 2],
      [3, 4.1],
    ],
    true,
  ],
  [
    'flipped spikes in three samples of four',
    [[1], [2], [3], [4]],
    [[1], [2.1], [3.1], [4.1]],
    true,
  ],
  [
    'flipped spikes in four samples of five',
    [[1], [2], [3], [4], [5]],
    [[1], [2.1], [3.1], [4.1], [5.1]],
    false,
  ],
  [
    'flipped spikes in all',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1.1, 2],
      [3, 4.1],
    ],
    false,
  ],
  [
    'one sample far off',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1, 2],
      [3, 8],
    ],
    false,
  ],
  [
    'not a number',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1, 2],
      [3, Number.NaN],
    ],
    false,
  ],
  [
    'a sample missing',
    [
      [1, 2],
      [3, 4],
    ],
    [[1, 2]],
    false,
  ],
  [
    'a number missing',
    [
      [1, 2],
      [3, 4],
    ],
    [[1, 2], [3]],
    false,
  ],
])('%s', (_, a, b, same) => {
  expect(agreement(check(a), check(b)).same).toBe(same);
});

test('what training makes of it counts, where both have it', () => {
  expect(agreement(check([[1]], [[2, 1]]), check([[1]], [[2, 1.5]])).same).toBe(false);
  expect(agreement(check([[1]], [[2, 1]]), check([[1]], [[2, 1.01]])).text).toMatch(
    /in training 0\.50 %/,
  );
  expect(agreement(check([[1]], [[2, 1]]), check([[1]])).same).toBe(true);
});
