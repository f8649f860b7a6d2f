/** Where in the picture the network attends to: a map per head, over the picture. */
import type { AttentionMap } from '../../network/attention';
import { type Pen, paintCells, seenThrough, writeText } from '../drawing';
import { Choice } from '../elements';
import { Figure } from '../figure';
import { grayOf } from '../picture_colors';
import type { InsideView, Look } from './view';

const GAP = 10;
const TITLE_ROW = 20;
const LEAST = 96;
const ALL = 'all';

export class AttentionView implements InsideView {
  private look: Look | null = null;
  private readonly block = new Choice('Block', () => this.figure.redraw());
  private readonly step = new Choice('Time step', () => this.figure.redraw());
  private readonly token = new Choice('Seen from', () => this.figure.redraw());
  private readonly figure = new Figure(
    {
      name: 'attention',
      title: 'Attention',
      sentence:
        'Per head, how strongly each patch is attended to: the number of channels in which the spikes of query and key meet, without any softmax.',
      height: (width) => {
        const { columns, side } = this.tiles(width);
        return Math.max(
          60,
          Math.ceil((this.map()?.heads ?? 0) / columns) * (side + TITLE_ROW + GAP),
        );
      },
      draw: (pen) => this.draw(pen),
      describe: () => this.describe(),
      rows: () => this.rows(),
    },
    [this.block.label, this.step.label, this.token.label],
  );
  readonly element = this.figure.element;

  show(look: Look | null): void {
    this.look = look;
    const maps = look?.inside.attention ?? [];
    this.block.set(maps.map(({ path }) => [path, path]));
    const map = this.map();
    const steps = Array.from({ length: map?.timeSteps ?? 0 }, (_, t) => `${t}`);
    this.step.set([[ALL, 'all'], ...steps.map((t) => [t, t] as const)]);
    const [rows, columns] = map?.grid ?? [0, 0];
    const names = Array.from({ length: rows * columns }, (_, i) => {
      return [`${i}`, `row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1}`] as const;
    });
    this.token.set([[ALL, 'all patches'], ...names]);
    this.figure.redraw();
  }

  private map(): AttentionMap | undefined {
    return this.look?.inside.attention.find(({ path }) => path === this.block.value);
  }

  private tiles(width: number): { columns: number; side: number } {
    const heads = this.map()?.heads ?? 1;
    const columns = Math.min(heads, Math.max(1, Math.floor((width + GAP) / (LEAST + GAP))));
    return { columns, side: Math.min(180, Math.floor((width - GAP * (columns - 1)) / columns)) };
  }

  /** Of a head, what each patch gets from the chosen ones at the chosen steps. */
  private weights({ timeSteps, heads, grid, weights }: AttentionMap, head: number): Float32Array {
    const tokens = grid[0] * grid[1];
    const sums = new Float32Array(tokens);
    for (let t = 0; t < timeSteps; t++) {
      if (this.step.value !== ALL && Number(this.step.value) !== t) continue;
      for (let query = 0; query < tokens; query++) {
        if (this.token.value !== ALL && Number(this.token.value) !== query) continue;
        const from = ((t * heads + head) * tokens + query) * tokens;
        for (let key = 0; key < tokens; key++) sums[key]! += weights[from + key]!;
      }
    }
    return sums;
  }

  private draw(pen: Pen): void {
    const { look } = this;
    const map = this.map();
    if (!look || !map) {
      const text = look ? 'this network has no attention over patches' : 'no picture yet';
      writeText(pen, text, 0, 30, pen.colors.soft);
      return;
    }
    const { columns, side } = this.tiles(pen.width);
    const all = Array.from({ length: map.heads }, (_, head) => this.weights(map, head));
    const most = Math.max(1, ...all.flatMap((weights) => Array.from(weights)));
    all.forEach((weights, head) => {
      const left = (head % columns) * (side + GAP);
      const top = Math.floor(head / columns) * (side + TITLE_ROW + GAP);
      const sum = weights.reduce((a, b) => a + b, 0);
      writeText(pen, `head ${head + 1} · ${sum}`, left, top + 9, pen.colors.soft);
      const box = [left, top + TITLE_ROW, side, side] as const;
      const [height, width] = look.info.sample;
      paintCells(pen, box, [height, width], grayOf(look));
      paintCells(pen, box, map.grid, (i) =>
        weights[i] ? seenThrough(pen.colors.spike, (0.85 * weights[i]!) / most) : null,
      );
      if (this.token.value !== ALL) outline(pen, box, map.grid, Number(this.token.value));
    });
  }

  private describe(): string {
    const map = this.map();
    if (!map) return 'No attention to show';
    const sums = Array.from({ length: map.heads }, (_, head) => {
      const weights = this.weights(map, head);
      const best = weights.indexOf(Math.max(...weights));
      const place = `row ${Math.floor(best / map.grid[1]) + 1}, column ${(best % map.grid[1]) + 1}`;
      return weights[best] ? `head ${head + 1} most at ${place}` : `head ${head + 1} nowhere`;
    });
    return `Attention of ${map.path}: ${sums.join('; ')}`;
  }

  private rows(): (string | number)[][] {
    const head = ['block', 'time_step', 'head', 'query', 'key', 'weight'];
    const rows = (this.look?.inside.attention ?? []).flatMap(({ path, heads, grid, weights }) => {
      const tokens = grid[0] * grid[1];
      return Array.from(weights, (weight, i) => {
        const [key, query] = [i % tokens, Math.floor(i / tokens) % tokens];
        const at = Math.floor(i / tokens ** 2);
        return [path, Math.floor(at / heads), at % heads, query, key, weight];
      });
    });
    return [head, ...rows];
  }
}

function outline(
  { context, colors }: Pen,
  [left, top, side]: readonly [number, number, number, number],
  [rows, columns]: readonly [number, number],
  cell: number,
): void {
  context.strokeStyle = colors.cool;
  context.lineWidth = 2;
  const [wide, high] = [side / columns, side / rows];
  context.strokeRect(
    left + (cell % columns) * wide,
    top + Math.floor(cell / columns) * high,
    wide,
    high,
  );
}
