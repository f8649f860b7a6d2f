/** What the network would answer if the sentence ended after each of its tokens. */
import type { SentenceInside } from '../../network/reader';
import { type Pen, writeText } from '../drawing';
import { percent } from '../elements';
import { Figure } from '../figure';
import { middleOf, TOKEN_ROW, tokenRoom, writeTokens } from './token_rows';

const HEAD = 22;
const VALUES = 58;

export class BeginningsView {
  private read: SentenceInside | null = null;
  private readonly figure = new Figure({
    name: 'sentence-beginnings',
    title: 'The answer token by token',
    sentence:
      'What the answer would be if the sentence ended there: to the right of the middle good, to the left bad.',
    height: () => Math.max(60, HEAD + (this.read?.tokens.length ?? 0) * TOKEN_ROW),
    draw: (pen) => this.read && drawAnswers(pen, this.read),
    describe: () =>
      this.read
        ? `Good after each token: ${this.rates((text, good) => `${text} ${percent(good)}`).join(', ')}`
        : 'No sentence is before the network',
    rows: () => [
      ['tokens', 'token', 'good'],
      ...this.rates((text, good, i) => [i + 1, text, good]),
    ],
  });
  readonly element = this.figure.element;

  show(read: SentenceInside | null): void {
    this.read = read;
    // For who reads the page with a program.
    this.element.dataset.tokens = this.rates((text) => text).join(' ');
    this.figure.redraw();
  }

  private rates<T>(row: (text: string, good: number, index: number) => T): T[] {
    const { tokens, beginnings } = this.read ?? { tokens: [], beginnings: [] };
    return tokens.map(({ text }, i) => row(text, beginnings[i]![1]!, i));
  }
}

function drawAnswers(pen: Pen, { tokens, beginnings }: SentenceInside): void {
  const { context, width, height, colors } = pen;
  const left = tokenRoom(width);
  const right = width - VALUES;
  const middle = (left + right) / 2;
  writeText(pen, 'bad', left, 8, colors.soft);
  writeText(pen, 'good', right, 8, colors.soft, { align: 'right' });
  context.fillStyle = colors.line;
  context.fillRect(middle - 0.5, HEAD - 4, 1, height);
  writeTokens(pen, tokens, HEAD);
  for (const [i, [, good]] of beginnings.entries()) {
    const y = middleOf(HEAD, i);
    const reach = (good! - 0.5) * (right - left);
    context.fillStyle = reach > 0 ? colors.spike : colors.cool;
    context.fillRect(Math.min(middle, middle + reach), y - 5, Math.max(1, Math.abs(reach)), 10);
    writeText(pen, percent(good!), width, y, colors.soft, { align: 'right' });
  }
}
