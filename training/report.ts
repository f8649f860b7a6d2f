/** A run's report: one self-contained HTML page, with every text in it escaped. */
import { type Content, type Html, html } from '../display/html';
import { htmlPage } from '../display/page';
import { type Curve, curvesSvg } from './curves';
import type { Evaluation } from './evaluation';
import type { EpochReport } from './observer';

/** A held-out sample and the network's prediction for it. */
export interface SamplePrediction {
  /** A data URL of the sample as a picture; absent if it cannot be shown. */
  picture?: string;
  /** The sample itself, if it is a sentence. */
  text?: string;
  label: string;
  prediction: string;
  /** Probability of the prediction, 0 to 1. */
  probability: number;
}

/** What a run's report shows. */
export interface ReportContent {
  title: string;
  /** Facts for the top of the page, by name. */
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

const STYLE = html`
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 9px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
.facts td { text-align: left; vertical-align: top; white-space: normal; }
.facts td:first-child { color: var(--soft); white-space: nowrap; }
.facts td:last-child { overflow-wrap: anywhere; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(330px, 100%), 1fr)); gap: 20px; }
.curves svg { width: 100%; max-width: 480px; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(100px, 1fr)); gap: 16px; }
.sample { margin: 0; font-size: 12px; line-height: 1.35; }
.sample img { width: 96px; height: 96px; object-fit: contain; image-rendering: pixelated; border: 3px solid; display: block; margin-bottom: 3px; }
.sample span { color: var(--soft); display: block; }
.sample q { display: block; border-left: 3px solid; padding-left: 6px; margin-bottom: 3px; }
.right q { border-color: var(--good); }
.wrong q { border-color: var(--bad); }
.right img { border-color: var(--good); }
.wrong img { border-color: var(--bad); }
.confusion td, .confusion th { text-align: center; padding: 3px 6px; font-size: 12px; }
.confusion th:first-child { text-align: right; position: sticky; left: 0; background: var(--paper); }
.warn { background: var(--warn-shade); border-left: 4px solid var(--warn); padding: 6px 12px; }
pre { background: var(--shade); padding: 12px; overflow: auto; font-size: 12px; }
.rates td:last-child { width: min(300px, 40vw); text-align: left; }
.bar { display: inline-block; height: 11px; background: var(--accent); vertical-align: middle; }
@media print { pre { white-space: pre-wrap; } .curves svg { width: 340px; } }`;

const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(2)} %`);

/** A run's report as one HTML page, which needs no other file. */
export function reportHtml(content: ReportContent): string {
  const parts = [facts, warnings, curves, confusion, rates, samples, epochs, recipe];
  return htmlPage(content.title, STYLE, html`${parts.map((part) => part(content))}`);
}

/** A table that scrolls if the screen is narrower. */
const table = (rows: readonly Html[], kind = 'plain') =>
  html`<div class="wide"><table class="${kind}">${rows}</table></div>\n`;

const section = (title: string, ...content: Content[]) => html`<h2>${title}</h2>\n${content}`;

const row = (cells: readonly Content[]) =>
  html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;

const headRow = (cells: readonly Content[]) =>
  html`<tr>${cells.map((cell) => html`<th>${cell}</th>`)}</tr>\n`;

function facts({ facts: given }: ReportContent): Html {
  return table(Object.entries(given).map(row), 'facts');
}

function warnings({ history }: ReportContent): Html {
  const last = history.at(-1);
  const line = (what: string, layers: readonly string[] = []) =>
    layers.length > 0 && html`<p class="warn">${what}: ${layers.join(', ')}</p>\n`;
  return html`${line('Dead layers', last?.dead)}${line('Saturated layers', last?.saturated)}`;
}

function curves({ history, published }: ReportContent): Html {
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
    curve('average', (r) => hundred(r.averageAccuracy)),
    ...(published ? [published] : []),
  ];
  const losses = [curve('training', (r) => r.trainLoss), curve('test', (r) => r.testLoss)];
  const rate = [curve('learning rate', (r) => r.learningRate)];
  const some = (all: Curve[]) => all.filter(({ points }) => points.length > 0);
  const charts = [
    curvesSvg('Accuracy, %', some(accuracy)),
    curvesSvg('Loss', some(losses)),
    curvesSvg('Learning rate', some(rate)),
  ];
  return section('Curves', html`<div class="curves">${charts}</div>\n`);
}

/** With more classes, a confusion table is no longer readable. */
const MANY_CLASSES = 30;

function confusion({ evaluation, classNames }: ReportContent): Content {
  if (!evaluation) return undefined;
  const matrix = evaluation.confusion;
  if (classNames.length > MANY_CLASSES) return worst(matrix, classNames);
  const largest = matrix.flat().reduce((a, b) => Math.max(a, b), 1);
  const rows = matrix.map((counts, label) => {
    const cells = counts.map((n, prediction) => {
      const strength = (n / largest) ** 0.6;
      const color = label === prediction ? '0,114,178' : '179,50,46';
      return html`<td style="background:rgba(${color},${strength.toFixed(3)})${strength > 0.6 && ';color:white'}">${n}</td>`;
    });
    return html`<tr><th>${classNames[label]}</th>${cells}</tr>\n`;
  });
  return section(
    'Confusion: rows are classes, columns are predictions',
    table([headRow(['', ...classNames]), ...rows], 'confusion'),
  );
}

function worst(matrix: number[][], classNames: readonly string[]): Html {
  const pairs = matrix.flatMap((counts, label) =>
    counts.map((n, prediction) => ({ n, label, prediction })),
  );
  const rows = pairs
    .filter(({ n, label, prediction }) => n > 0 && label !== prediction)
    .sort((a, b) => b.n - a.n)
    .slice(0, 20)
    .map(({ n, label, prediction }) => row([classNames[label], classNames[prediction], n]));
  return section('Most confused', table([headRow(['class', 'taken for', 'samples']), ...rows]));
}

function rates({ history }: ReportContent): Content {
  const found = Object.entries(history.at(-1)?.firingRates ?? {});
  if (found.length === 0) return undefined;
  const rows = found.map(([path, rate]) =>
    row([
      path,
      percent(rate),
      html`<span class="bar" style="width:${(100 * rate).toFixed(2)}%"></span>`,
    ]),
  );
  return section('Firing rates after the last epoch, on held-out samples', table(rows, 'rates'));
}

function samples({ samples: given = [] }: ReportContent): Content {
  if (given.length === 0) return undefined;
  const items = given.map(({ picture, text, label, prediction, probability }) => {
    const right = label === prediction;
    const image = picture !== undefined && html`<img alt="" src="${picture}">`;
    const truth = right ? '' : `, is ${label}`;
    return html`<figure class="sample ${right ? 'right' : 'wrong'}">${image}${text !== undefined && html`<q>${text}</q> `}${prediction}${truth}<span>${percent(probability)}</span></figure>\n`;
  });
  return section('Held-out samples', html`<div class="samples">${items}</div>\n`);
}

const EPOCH_COLUMNS = [
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

function epochs({ history }: ReportContent): Html {
  const number = (value: number | null) => value?.toFixed(4);
  const rows = history.map((r) =>
    row([
      r.epoch + 1,
      r.learningRate.toPrecision(4),
      number(r.trainLoss),
      percent(r.trainAccuracy),
      number(r.testLoss),
      percent(r.testAccuracy),
      percent(r.averageAccuracy),
      r.seconds.toFixed(1),
      r.samplesPerSecond.toFixed(1),
    ]),
  );
  return section('Epochs', table([headRow(EPOCH_COLUMNS), ...rows]));
}

function recipe({ recipe: text }: ReportContent): Content {
  return text !== undefined && section('Recipe', html`<pre>${text}</pre>`);
}
