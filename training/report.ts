/** A run's report: one HTML page that needs nothing else, every text in it escaped. */
import { escapeXml } from '../analysis/svg';
import { type Curve, curvesSvg } from './curves_svg';
import type { Evaluation } from './evaluation';
import type { EpochReport } from './observer';
import { htmlPage } from './page';

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
  /** The authors' log: accuracy in percent after epochs, counted from 0. */
  published?: Curve;
  /** The recipe's text. */
  recipe?: string;
}

const STYLE = `
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 9px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; } th { font-weight: 600; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
.facts td { text-align: left; vertical-align: top; white-space: normal; } .facts td:first-child { color: var(--soft); white-space: nowrap; }
.pictures { display: flex; flex-wrap: wrap; gap: 14px; } .pictures svg { width: 560px; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(100px, 1fr)); gap: 14px; }
.sample { font-size: 12px; line-height: 1.3; } .sample img { width: 96px; height: 96px; object-fit: contain; image-rendering: pixelated; border: 3px solid; display: block; }
.right img { border-color: var(--good); } .wrong img { border-color: var(--bad); }
.confusion td, .confusion th { text-align: center; padding: 3px 6px; font-size: 12px; } .confusion th:first-child { text-align: right; position: sticky; left: 0; background: var(--paper); }
.warn { background: var(--warn-shade); border-left: 4px solid var(--warn); padding: 6px 12px; }
pre { background: var(--shade); padding: 12px; overflow: auto; font-size: 12px; }
.rates td:last-child { width: min(300px, 40vw); text-align: left; }
.bar { display: inline-block; height: 11px; background: var(--accent); vertical-align: middle; }`;

const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(2)} %`);

export function reportHtml(content: ReportContent): string {
  const parts = [facts, warnings, curves, confusion, rates, samples, epochs, recipe];
  return htmlPage(content.title, STYLE, parts.map((part) => part(content)).join('\n'));
}

/** A table that scrolls by itself where the screen is narrower. */
function table(rows: readonly string[], kind = ''): string {
  const attributes = kind && ` class="${kind}"`;
  return `<div class="wide"><table${attributes}>${rows.join('')}</table></div>`;
}

function facts({ facts: given }: ReportContent): string {
  const rows = Object.entries(given).map(
    ([name, value]) => `<tr><td>${escapeXml(name)}</td><td>${escapeXml(String(value))}</td></tr>`,
  );
  return table(rows, 'facts');
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
${table([`<tr><th></th>${head}</tr>`, ...rows], 'confusion')}`;
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
  const head = '<tr><th>class</th><th>taken for</th><th>samples</th></tr>';
  return `<h2>Most confused</h2>${table([head, ...rows])}`;
}

function rates({ history }: ReportContent): string {
  const last = history.at(-1);
  if (!last || Object.keys(last.firingRates).length === 0) return '';
  const rows = Object.entries(last.firingRates).map(
    ([path, rate]) =>
      `<tr><td>${escapeXml(path)}</td><td>${percent(rate)}</td><td><span class="bar" style="width:${percent(rate).replace(' ', '')}"></span></td></tr>`,
  );
  return `<h2>Firing rates after the last epoch, on held-out samples</h2>${table(rows, 'rates')}`;
}

function samples({ samples: given = [] }: ReportContent): string {
  if (given.length === 0) return '';
  const items = given.map(({ picture, label, prediction, probability }) => {
    const right = label === prediction;
    const image = picture ? `<img alt="" src="${escapeXml(picture)}">` : '';
    const truth = right ? '' : `, is ${escapeXml(label)}`;
    return `<div class="sample ${right ? 'right' : 'wrong'}">${image}${escapeXml(prediction)}, ${percent(probability)}${truth}</div>`;
  });
  return `<h2>Held-out samples</h2><div class="samples">${items.join('')}</div>`;
}

function epochs({ history }: ReportContent): string {
  const head = [
    'epoch',
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
      r.epoch + 1,
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
  const names = `<tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr>`;
  return `<h2>Epochs</h2>${table([names, ...rows])}`;
}

function recipe({ recipe: text }: ReportContent): string {
  return text === undefined ? '' : `<h2>Recipe</h2><pre>${escapeXml(text)}</pre>`;
}
