/** A run's report: one HTML page that needs nothing else, every text in it escaped. */
import { escapeXml } from '../analysis/svg';
import { type Curve, curvesSvg } from './curves_svg';
import type { Evaluation } from './evaluation';
import type { EpochReport } from './observer';

/** A held-out sample and what the network takes it for. */
export interface SamplePrediction {
  /** A data URL of the sample as a picture; absent where it is none. */
  picture?: string;
  label: string;
  prediction: string;
  /** Of the prediction, 0 to 1. */
  probability: number;
}

export interface ReportContent {
  title: string;
  /** Facts for the head of the page, by name. */
  facts: Readonly<Record<string, string | number>>;
  history: readonly EpochReport[];
  classNames: readonly string[];
  evaluation?: Evaluation;
  samples?: readonly SamplePrediction[];
  /** The authors' log: accuracy in percent after epochs. */
  published?: Curve;
  /** The recipe's text. */
  recipe?: string;
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 1160px; margin: 2em auto; padding: 0 1.5em; }
h1 { font-size: 1.5em; margin-bottom: .2em; } h2 { font-size: 1.15em; margin: 2em 0 .6em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 9px; text-align: right; border-bottom: 1px solid #e3e6ea; } th { font-weight: 600; }
td:first-child, th:first-child { text-align: left; }
.facts td { text-align: left; }
.pictures { display: flex; flex-wrap: wrap; gap: 14px; }
.sample { width: 112px; font-size: 12px; line-height: 1.3; } .sample img { width: 96px; height: 96px; image-rendering: pixelated; border: 3px solid; display: block; }
.right img { border-color: #3f7d3a; } .wrong img { border-color: #b3322e; }
.confusion td, .confusion th { text-align: center; padding: 3px 6px; font-size: 12px; } .confusion th:first-child { text-align: right; }
.warn { background: #fdf1e3; border-left: 4px solid #c2571a; padding: 6px 12px; }
pre { background: #f5f6f8; padding: 12px; overflow: auto; font-size: 12px; }
.bar { display: inline-block; height: 11px; background: #0c6e84; vertical-align: middle; }`;

const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(2)} %`);

export function reportHtml(content: ReportContent): string {
  const title = escapeXml(content.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
${[facts, warnings, curves, confusion, rates, samples, epochs, recipe].map((part) => part(content)).join('\n')}
</body>
</html>
`;
}

function facts({ facts: given }: ReportContent): string {
  const rows = Object.entries(given).map(
    ([name, value]) => `<tr><td>${escapeXml(name)}</td><td>${escapeXml(String(value))}</td></tr>`,
  );
  return `<table class="facts">${rows.join('')}</table>`;
}

function warnings({ history }: ReportContent): string {
  const last = history.at(-1);
  const line = (what: string, layers: string[] = []) =>
    layers.length === 0 ? '' : `<p class="warn">${what}: ${layers.map(escapeXml).join(', ')}</p>`;
  return line('Dead layers', last?.dead) + line('Saturated layers', last?.saturated);
}

function curves({ history, published }: ReportContent): string {
  const curve = (name: string, value: (report: EpochReport) => number | null): Curve => ({
    name,
    points: history.flatMap((report) => {
      const y = value(report);
      return y === null ? [] : [[report.epoch, y] as const];
    }),
  });
  const hundred = (share: number | null) => (share === null ? null : 100 * share);
  const accuracy = [
    curve('training', (r) => hundred(r.trainAccuracy)),
    curve('test', (r) => hundred(r.testAccuracy)),
    curve('test, average', (r) => hundred(r.averageAccuracy)),
    ...(published ? [published] : []),
  ];
  const losses = [curve('training', (r) => r.trainLoss), curve('test', (r) => r.testLoss)];
  const rate = [curve('learning rate', (r) => r.learningRate)];
  const some = (all: Curve[]) => all.filter(({ points }) => points.length > 0);
  return `<h2>Curves</h2><div class="pictures">${[
    curvesSvg('Accuracy, %', some(accuracy)),
    curvesSvg('Loss', some(losses)),
    curvesSvg('Learning rate', some(rate)),
  ].join('')}</div>`;
}

/** Beyond this many classes a table is no picture any more. */
const MANY_CLASSES = 30;

function confusion({ evaluation, classNames }: ReportContent): string {
  if (!evaluation) return '';
  const matrix = evaluation.confusion;
  if (classNames.length > MANY_CLASSES) return worst(matrix, classNames);
  const largest = Math.max(1, ...matrix.flat());
  const rows = matrix.map((row, label) => {
    const cells = row.map((n, prediction) => {
      const strength = (n / largest) ** 0.6;
      const colour = label === prediction ? '12,110,132' : '179,50,46';
      const dark = strength > 0.6 ? ';color:white' : '';
      return `<td style="background:rgba(${colour},${strength.toFixed(3)})${dark}">${n}</td>`;
    });
    return `<tr><th>${escapeXml(classNames[label]!)}</th>${cells.join('')}</tr>`;
  });
  const head = classNames.map((name) => `<th>${escapeXml(name)}</th>`).join('');
  return `<h2>Confusion: rows are classes, columns what they were taken for</h2>
<table class="confusion"><tr><th></th>${head}</tr>${rows.join('')}</table>`;
}

function worst(matrix: number[][], classNames: readonly string[]): string {
  const pairs = matrix.flatMap((row, label) =>
    row.map((n, prediction) => ({ n, label, prediction })),
  );
  const rows = pairs
    .filter(({ n, label, prediction }) => n > 0 && label !== prediction)
    .sort((a, b) => b.n - a.n)
    .slice(0, 20)
    .map(
      ({ n, label, prediction }) =>
        `<tr><td>${escapeXml(classNames[label]!)}</td><td>${escapeXml(classNames[prediction]!)}</td><td>${n}</td></tr>`,
    );
  return `<h2>Most confused</h2><table><tr><th>class</th><th>taken for</th><th>samples</th></tr>${rows.join('')}</table>`;
}

function rates({ history }: ReportContent): string {
  const last = history.at(-1);
  if (!last || Object.keys(last.firingRates).length === 0) return '';
  const rows = Object.entries(last.firingRates).map(
    ([path, rate]) =>
      `<tr><td>${escapeXml(path)}</td><td>${percent(rate)}</td><td style="text-align:left"><span class="bar" style="width:${(300 * rate).toFixed(1)}px"></span></td></tr>`,
  );
  return `<h2>Firing rates after the last epoch, on held-out samples</h2><table>${rows.join('')}</table>`;
}

function samples({ samples: given = [] }: ReportContent): string {
  if (given.length === 0) return '';
  const items = given.map(({ picture, label, prediction, probability }) => {
    const right = label === prediction;
    const image = picture ? `<img alt="" src="${escapeXml(picture)}">` : '';
    const truth = right ? '' : `, is ${escapeXml(label)}`;
    return `<div class="sample ${right ? 'right' : 'wrong'}">${image}${escapeXml(prediction)}, ${percent(probability)}${truth}</div>`;
  });
  return `<h2>Held-out samples</h2><div class="pictures">${items.join('')}</div>`;
}

function epochs({ history }: ReportContent): string {
  const head = [
    'epoch, from 0',
    'learning rate',
    'train loss',
    'train acc.',
    'test loss',
    'test acc.',
    'average acc.',
    's',
    'samples/s',
  ];
  const rows = history.map((r) => {
    const number = (value: number | null) => (value === null ? '' : value.toFixed(4));
    const cells = [
      r.epoch,
      r.learningRate.toPrecision(4),
      number(r.trainLoss),
      percent(r.trainAccuracy),
      number(r.testLoss),
      percent(r.testAccuracy),
      percent(r.averageAccuracy),
      r.seconds.toFixed(1),
      r.samplesPerSecond.toFixed(1),
    ];
    return `<tr>${cells.map((c) => `<td>${c}</td>`).join('')}</tr>`;
  });
  return `<h2>Epochs</h2><table><tr>${head.map((h) => `<th>${h}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

function recipe({ recipe: text }: ReportContent): string {
  return text === undefined ? '' : `<h2>Recipe</h2><pre>${escapeXml(text)}</pre>`;
}
