/** Pictures that go down a sentence: a row per token, its text at the left. */
import type { Token } from '../../network/words';
import { type Pen, writeText } from '../drawing';

export const TOKEN_ROW = 20;

/** CSS pixels for the tokens' text. */
export const tokenRoom = (width: number) => Math.min(130, width * 0.28);

/** The middle of a token's row, below a head. */
export const middleOf = (head: number, token: number) => head + (token + 0.5) * TOKEN_ROW;

export function writeTokens(pen: Pen, tokens: readonly Token[], head: number): void {
  const { ink, cool } = pen.colors;
  for (const [i, { text, known }] of tokens.entries()) {
    const room = tokenRoom(pen.width) - 10;
    const shown = known ? text : `? ${text}`;
    writeText(pen, shown, 0, middleOf(head, i), known ? ink : cool, { room });
  }
}
