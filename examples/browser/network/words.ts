/** A sentence as the network's tokenizer cuts it: ids, and what they stand for. */
import { Tokenizer } from '@huggingface/tokenizers';

export interface Token {
  /** A piece of a word, '##' before it if it continues one; of an unknown word, the word. */
  text: string;
  known: boolean;
}

export class Words {
  private readonly tokenizer: Tokenizer;
  readonly padId: number;
  private readonly unknownId: number | undefined;

  constructor(json: object) {
    this.tokenizer = new Tokenizer(json, {});
    this.padId = this.tokenizer.token_to_id('[PAD]') ?? 0;
    this.unknownId = this.tokenizer.token_to_id('[UNK]');
  }

  /** Padding that somebody types is no word. */
  split(text: string): { ids: number[]; tokens: Token[] } {
    const { tokenizer, padId, unknownId } = this;
    const { ids, tokens } = tokenizer.encode(text);
    const normal = tokenizer.normalizer?.normalize(text) ?? text;
    const words = tokenizer.pre_tokenizer?.pre_tokenize(normal) ?? [];
    let word = -1;
    const named = tokens.map((token, i) => {
      if (!token.startsWith('##')) word++;
      const known = ids[i] !== unknownId;
      return { text: known ? token : (words[word] ?? token), known };
    });
    const isWord = (_: unknown, i: number) => ids[i] !== padId;
    return { ids: ids.filter(isWord), tokens: named.filter(isWord) };
  }
}
