import { linearAxis, logAxis } from '../../display/axis';
import { lineChart, type Panel, type Points } from '../../display/line_chart';

const panel = (line: Points, name = 'wasm'): Panel => ({
  x: linearAxis(line.map(([x]) => x)),
  y: linearAxis(line.map(([, y]) => y)),
  xLabel: 'time steps',
  series: [{ name, line }],
});

const dots = (svg: string) =>
  [...svg.matchAll(/<circle class="(\w+)" cx="([\d.]+)" cy="([\d.]+)"/g)].map(
    ([, color, x, y]) => ({
      color,
      x: Number(x),
      y: Number(y),
    }),
  );

test('points lie where their axes place them, y upwards', () => {
  const line = [1, 2, 4, 8].map((x) => [x, 10 * x] as const);
  const axes = { x: logAxis([1, 8], { valuesAsTicks: true }), y: logAxis([10, 80]) };
  const found = dots(String(lineChart({ title: 't', panels: [{ ...panel(line), ...axes }] })));
  expect(found).toHaveLength(4);
  const steps = found.slice(1).map(({ x, y }, i) => [x - found[i]!.x, y - found[i]!.y]);
  for (const [dx, dy] of steps) {
    expect(dx).toBeCloseTo(steps[0]![0]!, 1);
    expect(dy).toBeCloseTo(steps[0]![1]!, 1);
    expect(dx).toBeGreaterThan(0);
    expect(dy).toBeLessThan(0);
  }
});

test('a name has one color in all panels, and one entry in the legend', () => {
  const both = [
    [1, 1],
    [2, 2],
  ] as const;
  const second: Panel = {
    ...panel(both, 'cpu'),
    series: [panel(both, 'cpu'), panel(both)].flatMap((p) => p.series),
  };
  const svg = String(lineChart({ title: 't', panels: [panel(both), second] }));
  expect(dots(svg).map(({ color }) => color)).toEqual([
    ...['fill0', 'fill0'],
    ...['fill1', 'fill1'],
    ...['fill0', 'fill0'],
  ]);
  expect(svg.match(/>wasm</g)).toHaveLength(1);
});

test('dots of their own are beside the line; many points have none; those that are no numbers are left out', () => {
  const line = Array.from({ length: 41 }, (_, i) => [i, i] as const);
  const chart = (dots?: Points) => {
    const { series, ...rest } = panel(line);
    return String(
      lineChart({ title: 't', panels: [{ ...rest, series: [{ ...series[0]!, dots }] }] }),
    );
  };
  expect(dots(chart())).toHaveLength(0);
  expect(
    dots(
      chart([
        [1, 2],
        [1, Number.NaN],
      ]),
    ),
  ).toHaveLength(1);
  expect(chart([[1, Number.NaN]])).not.toContain('NaN');
});

test('a legend that is too wide for one row goes on in the next', () => {
  const names = Array.from({ length: 5 }, (_, i) => `a contender with a long name, ${i}`);
  const series = names.map((name) => ({ name, line: [[1, 1]] as const }));
  const svg = String(lineChart({ title: 't', panels: [{ ...panel([[1, 1]]), series }] }));
  const heights = names.map((name) => Number(new RegExp(`y="([\\d.]+)">${name}`).exec(svg)![1]));
  expect(new Set(heights).size).toBe(5);
});

test('text is escaped; every element is closed; the colors are those of light and of dark', () => {
  const svg = String(lineChart({ title: 'a < b & "c"', panels: [panel([[1, 1]], '<script>')] }));
  expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
  expect(svg).not.toContain('<script>');
  expect(svg.match(/<(g|svg|text|title|style|circle)\b/g)).toHaveLength(
    svg.match(/<\/(g|svg|text|title|style|circle)>/g)!.length,
  );
  expect(svg).toContain('prefers-color-scheme: dark');
});
