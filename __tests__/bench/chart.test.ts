import fc from 'fast-check';
import { drawChart, ticks } from '../../bench/_chart';
import { growthChart } from '../../bench/growth';

const panel = (points: (readonly [number, number])[], name = 'wasm') => ({
  title: 'time',
  xLabel: 'time steps',
  yLabel: 'ms',
  series: [{ name, points }],
});

test('ticks are 1, 2 and 5 times powers of ten, around the values', () => {
  expect(ticks(3, 70)).toEqual([2, 5, 10, 20, 50, 100]);
  expect(ticks(0.02, 0.05)).toEqual([0.02, 0.05]);
  expect(ticks(10, 10)).toEqual([10, 20]);
});

test('ticks enclose any values', () => {
  const size = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(size, size, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const all = ticks(low, high);
      expect(all[0]).toBeLessThanOrEqual(low);
      expect(all.at(-1)).toBeGreaterThanOrEqual(high);
      expect(all.length).toBeGreaterThan(1);
    }),
  );
});

test('doubling x and y moves a point by the same length each time', () => {
  const svg = drawChart('growth', [panel([1, 2, 4, 8].map((x) => [x, 10 * x] as const))]);
  const centres = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  expect(centres).toHaveLength(4);
  const steps = centres.slice(1).map(([x, y], i) => [x! - centres[i]![0]!, y! - centres[i]![1]!]);
  for (const [dx, dy] of steps) {
    expect(dx).toBeCloseTo(steps[0]![0]!, 0);
    expect(dy).toBeCloseTo(steps[0]![1]!, 0);
    expect(dx).toBeGreaterThan(0);
    expect(dy).toBeLessThan(0); // upwards
  }
});

test('text is escaped; every element is closed', () => {
  const svg = drawChart('a < b & "c"', [panel([[1, 1]], '<script>')]);
  expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
  expect(svg).not.toContain('<script>');
  expect(svg.match(/<(g|svg)\b/g)).toHaveLength(svg.match(/<\/(g|svg)>/g)!.length);
});

test.each([[0], [-1], [Number.NaN], [Number.POSITIVE_INFINITY]])(
  '%p has no place on the axis',
  (y) => {
    expect(() => drawChart('', [panel([[1, y]])])).toThrow(/'time' must have points with positive/);
  },
);

test('a panel without points is refused', () => {
  expect(() => drawChart('', [panel([])])).toThrow(/has no points/);
});

test('growth: a line for each contender in both panels, its points in the order of x', () => {
  const row = (contender: string, value: number) => ({
    axis: 'time_steps',
    value: String(value),
    contender,
    train_ms: String(100 * value),
    peak_mb: '1000',
  });
  const svg = growthChart('time_steps', [row('wasm', 8), row('wasm', 2), row('pytorch', 2)]);
  expect(svg).toContain('one training step, batch 4, 32 x 32');
  expect(svg.match(/<circle/g)).toHaveLength(6);
  expect(svg.match(/>wasm</g)).toHaveLength(1);
  const xs = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  expect(xs[0]).toBeLessThan(xs[1]!);
});
