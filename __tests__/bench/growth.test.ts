import { growthChart } from '../../bench/growth';

test('a line for each contender in both panels, its points in the order of x', () => {
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
  const xs = [...svg.matchAll(/<circle class="\w+" cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  expect(xs[0]).toBeLessThan(xs[1]!);
});
