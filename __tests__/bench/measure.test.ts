import { measure, median, quantile, takeTurns } from '../../bench/measure';

test('median of odd and even counts', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test('quantiles lie between the two nearest values', () => {
  expect(quantile([40, 10, 30, 20, 50], 0.25)).toBe(20);
  expect(quantile([0, 10], 0.75)).toBe(7.5);
  expect(quantile([7], 0.25)).toBe(7);
});

test('the candidates take turns; warm-up calls are not counted', async () => {
  const calls: string[] = [];
  const timings = await measure(
    { a: () => calls.push('a'), b: async () => calls.push('b') },
    { rounds: 2, warmup: 1 },
  );
  expect(calls.join('')).toBe('ababab');
  expect(timings.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(timings[0].ratio).toBe(1);
  for (const { min, median, max } of timings) {
    expect(min).toBeLessThanOrEqual(median);
    expect(median).toBeLessThanOrEqual(max);
  }
});

test('a turn says its own milliseconds; who is slow sits out after three of them', async () => {
  const order: string[] = [];
  let clock = 0;
  const now = jest.spyOn(performance, 'now').mockImplementation(() => clock);
  const slow = async () => {
    order.push('s');
    clock += 5;
    return 5;
  };
  const fast = () => {
    order.push('f');
    return order.length;
  };
  const times = await takeTurns({ slow, fast }, { rounds: 5, warmup: 1, patience: 1 });
  now.mockRestore();
  expect(order.join('')).toBe('sfsfsfsfff');
  expect(times.get('slow')).toEqual([5, 5, 5]);
  expect(times.get('fast')).toEqual([4, 6, 8, 9, 10]);
});
