/** Which tokens fire how much: a column per layer, in it a cell per token and time step. */
import type { LayerSpikes } from '../../network/inside';
import type { SentenceInside } from '../../network/reader';
import { type Pen, seenThrough, writeText } from '../drawing';
import { percent } from '../elements';
import { Figure } from '../figure';
import { TOKEN_ROW, tokenRoom, writeTokens } from './token_rows';

const HEAD = 156;
const FOOT = 22;
const GAP = 6;

/** The share of a layer's neurons that fired at each token and time step. */
interface TokenRates {
  path: string;
  /** `[token][time]`, 0 to 1. */
  rates: number[][];
  most: number;
}

/** @param length tokens of the network's sentences, padding among them; the first `tokens` are not */
export function tokenRates(layer: LayerSpikes, length: number, tokens: number): TokenRates {
  const { path, timeSteps, neurons, spikes } = layer;
  const channels = neurons / length;
  const fired = (token: number, t: number) => {
    const from = t * neurons + token * channels;
    return spikes.subarray(from, from + channels).reduce((sum, spike) => sum + spike, 0);
  };
  const rates = Array.from({ length: tokens }, (_, token) =>
    Array.from({ length: timeSteps }, (__, t) => fired(token, t) / channels),
  );
  return { path, rates, most: Math.max(0, ...rates.flat()) };
}

export class TokenSpikesView {
  private read: SentenceInside | null = null;
  private layers: TokenRates[] = [];
  private readonly figure = new Figure({
    name: 'sentence-spikes',
    title: 'Which tokens fire',
    sentence:
      'A column per layer, in it the time steps from left to right: the stronger a cell, the more of the layer’s neurons fired for that token. ' +
      'Below each layer is what its strongest cell stands for; padding is left out.',
    height: () => HEAD + (this.read?.tokens.length ?? 0) * TOKEN_ROW + FOOT,
    draw: (pen) => this.read && drawLayers(pen, this.read, this.layers),
    describe: () =>
      this.layers.length > 0
        ? `Most that fired for a token: ${this.layers.map(({ path, most }) => `${path} ${percent(most)}`).join(', ')}`
        : 'No sentence is before the network',
    rows: () => [
      ['layer', 'time_step', 'position', 'token', 'rate'],
      ...this.layers.flatMap(({ path, rates }) =>
        rates.flatMap((steps, i) =>
          steps.map((rate, t) => [path, t, i, this.read!.tokens[i]!.text, rate]),
        ),
      ),
    ],
  });
  readonly element = this.figure.element;

  /** @param length tokens of the network's sentences */
  show(read: SentenceInside | null, length: number): void {
    this.read = read;
    const layers = read?.inside.layers ?? [];
    this.layers = layers.map((layer) => tokenRates(layer, length, read!.tokens.length));
    this.figure.redraw();
  }
}

function drawLayers(pen: Pen, { tokens }: SentenceInside, layers: readonly TokenRates[]): void {
  const { context, width, height, colors } = pen;
  writeTokens(pen, tokens, HEAD);
  const left = tokenRoom(width);
  const column = (width - left) / layers.length;
  for (const [i, { path, rates, most }] of layers.entries()) {
    const x = left + i * column;
    context.save();
    context.translate(x + column / 2, HEAD - 6);
    context.rotate(-Math.PI / 2);
    writeText(pen, path, 0, 0, colors.ink, { room: HEAD - 8 });
    context.restore();
    for (const [token, steps] of rates.entries()) {
      const cell = (column - GAP) / steps.length;
      for (const [t, rate] of steps.entries()) {
        const box = [x + t * cell, HEAD + token * TOKEN_ROW + 1, cell - 1, TOKEN_ROW - 2] as const;
        context.fillStyle = seenThrough(colors.line, 0.35);
        context.fillRect(...box);
        context.fillStyle = seenThrough(colors.spike, most > 0 ? rate / most : 0);
        context.fillRect(...box);
      }
    }
    const share = most > 0 ? `${Math.round(100 * most)}%` : '0';
    writeText(pen, share, x + (column - GAP) / 2, height - FOOT / 2, colors.soft, {
      align: 'center',
    });
  }
}
