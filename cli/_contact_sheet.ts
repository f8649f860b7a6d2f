/** A page with samples of a data set: original and augmented, frames, and the events behind them. */
import type { Events } from '../datasets/events';
import type { Sample } from '../datasets/sample';
import { eventTransforms, type Transform, trainTransforms } from '../datasets/transforms';
import { type Html, html } from '../display/html';
import { htmlPage } from '../display/page';
import { type Picture, pictureOf, pictureUrl } from '../display/picture';
import { Random } from '../lib/random';
import type { Dataset } from '../node/datasets/dataset';
import type { EventDataset } from '../node/datasets/event_set';
import type { Split } from '../node/datasets/info';
import type { SentenceDataset } from '../node/datasets/rated_sentences';
import type { DatasetEntry } from '../node/datasets/registry';

export interface SheetOptions {
  split: Split;
  root: string;
  /** How many samples, drawn by `seed`. */
  count: number;
  seed: number;
  /** Frames of an event sample. */
  frames: number;
}

const VARIANTS = 4;
const STYLE = html`
h2 { font-size: 14px; margin: 20px 0 4px; }
small, figcaption { color: var(--soft); font-weight: normal; }
section div { display: flex; flex-wrap: wrap; gap: 8px; }
figure { margin: 0; max-width: 100%; }
img { image-rendering: pixelated; border: 1px solid var(--line); display: block; }
figcaption { font-size: 12px; min-height: 1.4em; }`;
/** Columns of the picture of events: time. */
const TIMES = 320;

/** The page as HTML with its pictures inside. It opens the data set even if it is incomplete. */
export async function contactSheet(entry: DatasetEntry, options: SheetOptions): Promise<string> {
  const { split, root } = options;
  const rows = await rowsOf(entry, options);
  const { title, samples } = entry.info;
  const body = html`<p>${rows.length} of ${samples[split]} samples, seed ${options.seed}, from ${root}</p>\n${rows}`;
  return htmlPage(`${title}, ${split}`, STYLE, body);
}

async function rowsOf(entry: DatasetEntry, options: SheetOptions): Promise<Html[]> {
  const { split, root, frames } = options;
  const common = { split, root, partial: true };
  if (entry.kind === 'images') return imageRows(await entry.open(common), options);
  if (entry.kind === 'text') return sentenceRows(await entry.open(common), options);
  const asFrames = { frames, splitBy: 'number', cache: false } as const;
  return eventRows(await entry.open({ ...common, ...asFrames }), options);
}

function sentenceRows(dataset: SentenceDataset, options: SheetOptions): Html[] {
  return drawn(dataset, options).map((index) => {
    const { text, label, rating } = dataset.sentences[index]!;
    return html`<section><h2>${index}: ${dataset.classNames[label]} <small>rated ${rating.toFixed(2)}</small></h2><p>${text}</p></section>\n`;
  });
}

function drawn({ length }: Dataset, { count, seed }: SheetOptions): number[] {
  return [...new Random(seed, 'contact sheet').permutation(length).subarray(0, count)];
}

async function imageRows(dataset: Dataset, options: SheetOptions): Promise<Html[]> {
  const rows: Html[] = [];
  for (const index of drawn(dataset, options)) {
    const sample = await dataset.read(index);
    const [height, width] = sample.shape;
    const large = Math.max(height, width) > 64;
    const transform = trainTransforms({
      size: large ? 224 : [height, width],
      ...(large ? {} : { scale: [1, 1] as const, ratio: [1, 1] as const }),
      autoAugment: sample.shape[2] === 3 ? 'rand-m9-n1-mstd0.4-inc1' : null,
      interpolation: 'bicubic',
      mean: dataset.mean,
    });
    const variants = augmented(sample, transform, index, options.seed);
    rows.push(
      await row(dataset, index, sample, [
        figure('original', picture(sample)),
        ...variants.map((variant, i) => figure(i === 0 ? 'augmented' : '', picture(variant))),
      ]),
    );
  }
  return rows;
}

async function eventRows(dataset: EventDataset, options: SheetOptions): Promise<Html[]> {
  const rows: Html[] = [];
  for (const index of drawn(dataset, options)) {
    const sample = await dataset.read(index);
    const events = await dataset.readEvents(index);
    const [first, second] = augmented(sample, eventTransforms(), index, options.seed);
    const { t } = events;
    const seconds = ((t[t.length - 1] - t[0]) / 1e6).toFixed(2);
    rows.push(
      await row(dataset, index, sample, [
        figure(`${t.length} events in ${seconds} s: column over time`, eventsPicture(events)),
        figure(`${sample.shape[0]} frames by number`, framesPicture(sample)),
        figure('augmented', framesPicture(first)),
        figure('', framesPicture(second)),
      ]),
    );
  }
  return rows;
}

function augmented(sample: Sample, transform: Transform, index: number, seed: number): Sample[] {
  return Array.from({ length: VARIANTS }, (_, i) =>
    transform(sample, new Random(seed, 'epoch', i, 'sample', index)),
  );
}

const picture = ({ data, shape }: Sample) => pictureOf(data, shape);

/** ON red, OFF blue on white, side by side with a gray line in between; darker is more. */
function framesPicture({ data, shape: [time, height, width] }: Sample): Picture {
  const total = time * (width + 1) - 1;
  const pixels = new Uint8Array(3 * total * height).fill(200);
  let largest = 1;
  for (const count of data) largest = Math.max(largest, count);
  const shade = (count: number) => (count > 0 ? 60 + 195 * Math.sqrt(count / largest) : 0);
  for (let i = 0; i < time * height * width; i++) {
    const frame = Math.floor(i / (height * width));
    const y = Math.floor(i / width) % height;
    const at = 3 * (y * total + frame * (width + 1) + (i % width));
    const [off, on] = [shade(data[2 * i]), shade(data[2 * i + 1])];
    pixels.set(
      [255 - off, 255 - Math.max(on, off), 255 - on].map((v) => Math.max(v, 0)),
      at,
    );
  }
  return { width: total, height, pixels };
}

/** Time from left to right, the sensor's columns from top to bottom. */
function eventsPicture({ t, x, p, width }: Events): Picture {
  const pixels = new Uint8Array(3 * TIMES * width).fill(255);
  const span = Math.max(t[t.length - 1] - t[0], 1);
  for (let i = 0; i < t.length; i++) {
    const column = Math.min(Math.max(Math.floor((TIMES * (t[i] - t[0])) / span), 0), TIMES - 1);
    pixels.set(p[i] === 1 ? [220, 40, 40] : [40, 40, 220], 3 * (x[i] * TIMES + column));
  }
  return { width: TIMES, height: width, pixels };
}

async function row(
  { classNames }: Dataset,
  index: number,
  { label, shape }: Sample,
  figures: Promise<Html>[],
): Promise<Html> {
  const caption = html`<h2>${index}: ${classNames[label]} <small>[${shape.join(', ')}]</small></h2>`;
  return html`<section>${caption}<div>${await Promise.all(figures)}</div></section>\n`;
}

async function figure(caption: string, picture: Picture): Promise<Html> {
  const scale = Math.max(1, Math.floor(96 / picture.height));
  const size = html`width="${picture.width * scale}" height="${picture.height * scale}"`;
  const image = html`<img ${size} src="${await pictureUrl(picture)}" alt="">`;
  return html`<figure>${image}<figcaption>${caption}</figcaption></figure>\n`;
}
