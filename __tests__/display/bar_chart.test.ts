import { barChart } from '../../display/bar_chart';

const chart = {
  title: 'energy',
  subtitle: 'of <all>',
  series: ['spiking', 'without spikes'],
  rows: [
    { label: 'conv', cells: [{ share: 0.25, hint: 'step 1' }], bars: [1, 4], note: '1 / 4' },
    { label: 'head', bars: [2, 0], note: '2 / 0' },
  ],
  cellsTitle: 'by step',
  notes: ['a note'],
} satisfies Parameters<typeof barChart>[0];

const rects = (svg: string, kind: string) =>
  [
    ...svg.matchAll(new RegExp(`<rect class="${kind}" [^>]*width="([\\d.]+)" height="[56]"`, 'g')),
  ].map(([, width]) => Number(width));

test('bars are as long as their values, the largest of both kinds the longest', () => {
  const svg = String(barChart(chart));
  expect(rects(svg, 'fill0')).toEqual([75, 150]);
  expect(rects(svg, 'ghost')).toEqual([300, 0]);
  for (const part of ['conv', '1 / 4', 'step 1', 'by step', 'a note', 'of &lt;all&gt;']) {
    expect(svg).toContain(part);
  }
});

test('a cell is the stronger the larger its share', () => {
  const opacity = (share: number) => {
    const rows = [{ ...chart.rows[0]!, cells: [{ share, hint: '' }] }];
    return Number(/fill-opacity="([\d.]+)"/.exec(String(barChart({ ...chart, rows })))![1]);
  };
  expect([0, 0.01, 0.5, 1].map(opacity)).toEqual([0.06, 0.15, 0.72, 1]);
});

test('nothing to draw: a picture all the same', () => {
  expect(String(barChart({ ...chart, rows: [] }))).not.toMatch(/NaN|Infinity/);
});
