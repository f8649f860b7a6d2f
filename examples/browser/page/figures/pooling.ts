/** Which pixel each pooled value came from, with CML and without. */
import type { PoolingPicture } from '../../network/pooling';
import { ClosedError } from '../client';
import { type Pen, paintCells, writeText } from '../drawing';
import { Choice } from '../elements';
import { Figure } from '../figure';
import type { InsideView, Look } from './view';

const GAP = 16;
const TITLE_ROW = 22;
const FOOT = 24;
const BUSIEST = 'busiest';

export class PoolingView implements InsideView {
  private look: Look | null = null;
  private picture: PoolingPicture | null = null;
  private readonly stage = new Choice('Layer', () => this.load());
  private readonly channel = new Choice('Channel', () => this.load());
  private readonly step = new Choice('Time step', () => this.load());
  private readonly figure = new Figure(
    {
      name: 'pooling',
      title: 'Where pooled values come from',
      sentence:
        'With CML the pool takes the neurons’ input, whose largest value lies at one pixel, marked: the gradient goes there. ' +
        'Without, it takes spikes: all pixels that fired tie, and where the gradient goes is chance.',
      height: (width) => (this.picture ? side(width) + TITLE_ROW + FOOT : 60),
      draw: (pen) => this.draw(pen),
      describe: () => (this.picture ? summary(this.picture) : 'No pooling to show'),
      rows: () => this.rows(),
    },
    [this.stage.label, this.channel.label, this.step.label],
  );
  readonly element = this.figure.element;

  show(look: Look | null): void {
    this.look = look;
    const stages = look?.info.pooling ?? [];
    this.stage.set(stages.map(({ path }) => [path, path]));
    const channels = stages.find(({ path }) => path === this.stage.value)?.channels ?? 0;
    const numbers = Array.from({ length: channels }, (_, i) => [`${i}`, `${i}`] as const);
    this.channel.set([[BUSIEST, 'busiest'], ...numbers]);
    const steps = look?.inside.layers[0]?.timeSteps ?? 0;
    this.step.set(Array.from({ length: steps }, (_, t) => [`${t}`, `${t}`] as const));
    if (look && stages.length > 0) {
      void this.load();
    } else {
      this.picture = null;
      this.figure.redraw();
    }
  }

  private async load(): Promise<void> {
    const { look } = this;
    if (!look?.session.client) return;
    const stage = look.info.pooling.find(({ path }) => path === this.stage.value)!;
    const chosen = this.channel.value === BUSIEST ? null : Number(this.channel.value);
    const channel = chosen !== null && chosen < stage.channels ? chosen : null;
    try {
      const picture = await look.session.client.call(
        ...(['pool', look.bytes, stage.path, channel, Number(this.step.value)] as const),
      );
      if (this.look !== look) return;
      this.picture = picture;
      this.figure.redraw();
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  private draw(pen: Pen): void {
    const { picture } = this;
    const { colors, width } = pen;
    if (!picture) {
      writeText(pen, 'no pooling to show', 0, 30, colors.soft);
      return;
    }
    const { height, width: columns, values, spikes } = picture;
    const edge = side(width);
    const left = [0, TITLE_ROW, edge, edge] as const;
    const right = [edge + GAP, TITLE_ROW, edge, edge] as const;
    writeText(pen, 'with CML', left[0], 8, colors.ink);
    writeText(pen, 'without', right[0], 8, colors.ink);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    paintCells(pen, left, [height, columns], (i) => {
      const share = (values[i]! - least) / (most - least || 1);
      const gray = Math.round(20 + 200 * share);
      return `rgb(${gray} ${gray} ${gray})`;
    });
    paintCells(pen, right, [height, columns], (i) =>
      spikes[i] ? 'rgb(220 220 220)' : 'rgb(20 20 20)',
    );
    for (const pixels of picture.withCML) mark(pen, left, picture, pixels, colors.spike);
    for (const pixels of picture.withoutCML) {
      mark(pen, right, picture, pixels, pixels.length > 1 ? colors.cool : colors.spike);
    }
    writeText(
      pen,
      `channel ${picture.channel}: ${ties(picture)}`,
      0,
      TITLE_ROW + edge + 14,
      colors.soft,
    );
  }

  private rows(): (string | number)[][] {
    const { picture } = this;
    const head = ['pooled_value', 'with_cml', 'without_cml'];
    if (!picture) return [head];
    const place = (pixel: number) =>
      `${Math.floor(pixel / picture.width)}:${pixel % picture.width}`;
    return [
      head,
      ...picture.withCML.map((pixels, i) => [
        ...[i, pixels.map(place).join(' '), picture.withoutCML[i]!.map(place).join(' ')],
      ]),
    ];
  }
}

const side = (width: number) => Math.min(260, Math.floor((width - GAP) / 2));

function ties({ withoutCML }: PoolingPicture): string {
  const tied = withoutCML.filter((pixels) => pixels.length > 1).length;
  const silent = withoutCML.filter((pixels) => pixels.length === 0).length;
  return `of ${withoutCML.length} values ${tied} tie, ${silent} come from no spike`;
}

const summary = (picture: PoolingPicture) =>
  `Channel ${picture.channel}: with CML each pooled value comes from one pixel; without it, ${ties(picture)}`;

/** A dot on each pixel. */
function mark(
  { context }: Pen,
  [left, top, edge]: readonly [number, number, number, number],
  { width, height }: PoolingPicture,
  pixels: readonly number[],
  color: string,
): void {
  const [wide, high] = [edge / width, edge / height];
  context.fillStyle = color;
  for (const pixel of pixels) {
    const x = left + ((pixel % width) + 0.5) * wide;
    const y = top + (Math.floor(pixel / width) + 0.5) * high;
    context.beginPath();
    context.arc(x, y, Math.max(1.25, wide * 0.28), 0, 2 * Math.PI);
    context.fill();
  }
}
