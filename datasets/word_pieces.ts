/**
 * A small WordPiece vocabulary out of sentences (Schuster and Nakajima, 2012; BERT, arXiv 1810.04805): of all pairs of
 * neighboring pieces the most frequent becomes a piece of its own, until there are as many as wanted.
 */
import { checkKeys, checkPositiveInteger } from '../lib/validate';
import { DatasetError } from './dataset_error';

/** Options of `trainWordPieces`. */
export interface WordPieceOptions {
  /** Pieces in all, with the two special ones and the letters; fewer come out of too little text. */
  vocabSize: number;
}

/** What a tokenizer.json has of it, as `Tokenizer` of npm's @huggingface/tokenizers reads it. */
export interface WordPieceJson {
  version: '1.0';
  added_tokens: { id: number; content: string; special: true }[];
  model: { vocab: Record<string, number>; [part: string]: unknown };
  [part: string]: unknown;
}

const SPECIAL = ['[PAD]', '[UNK]'];
/** Before a piece that goes on with a word. */
const INSIDE = '##';
/** A pair seen once is no pattern. */
const LEAST = 2;

/** A word in pieces, and how often it occurs. */
interface Word {
  pieces: string[];
  count: number;
}

/** As BertNormalizer and BertPreTokenizer split: small letters without accents; each mark of punctuation is a word. */
function* wordsOf(sentence: string): Iterable<string> {
  const plain = sentence
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();
  for (const [word] of plain.matchAll(/[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+/gu)) yield word;
}

function countWords(sentences: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const sentence of sentences) {
    for (const word of wordsOf(sentence)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({
    pieces: Array.from(word, (letter, i) => (i === 0 ? letter : INSIDE + letter)),
    count,
  }));
}

/** How often each pair of neighbors occurs, and in which words. */
class Pairs {
  private readonly counts = new Map<string, number>();
  private readonly words = new Map<string, Set<Word>>();

  /** Counts a word's pairs in, or with -1 out. */
  add(word: Word, sign: 1 | -1 = 1): void {
    for (let i = 1; i < word.pieces.length; i++) {
      const pair = `${word.pieces[i - 1]} ${word.pieces[i]}`;
      this.counts.set(pair, (this.counts.get(pair) ?? 0) + sign * word.count);
      if (!this.words.has(pair)) this.words.set(pair, new Set());
      this.words.get(pair)!.add(word);
    }
  }

  /** The most frequent, of equals the first in the alphabet, with words that have or had it. */
  best(): { left: string; right: string; words: Set<Word> } | undefined {
    let best = '';
    let most = LEAST - 1;
    for (const [pair, count] of this.counts) {
      if (count > most || (count === most && best !== '' && pair < best))
        [best, most] = [pair, count];
    }
    if (best === '') return undefined;
    const [left, right] = best.split(' ') as [string, string];
    return { left, right, words: this.words.get(best)! };
  }
}

function merge(pieces: readonly string[], left: string, right: string, both: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const isPair = pieces[i] === left && pieces[i + 1] === right;
    merged.push(isPair ? both : pieces[i]!);
    if (isPair) i++;
  }
  return merged;
}

/**
 * The content of a tokenizer.json for these sentences: `[PAD]` is 0, `[UNK]` is 1, no marks of beginning or end; equal
 * sentences give equal bytes.
 *
 * ```ts
 * const tokenizer = new Tokenizer(trainWordPieces(sentences, { vocabSize: 4000 }), {}); // of @huggingface/tokenizers
 * ```
 *
 * @throws DatasetError if there are more letters than pieces
 */
export function trainWordPieces(
  sentences: Iterable<string>,
  options: WordPieceOptions,
): WordPieceJson {
  checkKeys('trainWordPieces', options, ['vocabSize']);
  const { vocabSize } = options;
  checkPositiveInteger('vocabSize', vocabSize);
  const words = countWords(sentences);
  const letters = [...new Set(words.flatMap(({ pieces }) => pieces))].sort();
  const pieces = new Set([...SPECIAL, ...letters]);
  if (pieces.size > vocabSize) {
    throw new DatasetError(
      `vocabSize must be ${pieces.size} or more for the letters of these sentences, but got ${vocabSize}`,
    );
  }
  const pairs = new Pairs();
  for (const word of words) pairs.add(word);
  while (pieces.size < vocabSize) {
    const best = pairs.best();
    if (!best) break;
    const { left, right } = best;
    const both = left + right.slice(INSIDE.length);
    for (const word of [...best.words]) {
      pairs.add(word, -1);
      word.pieces = merge(word.pieces, left, right, both);
      pairs.add(word);
    }
    pieces.add(both);
  }
  return tokenizerJson([...pieces]);
}

function tokenizerJson(pieces: readonly string[]): WordPieceJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false },
      ...{ normalized: false, special: true },
    })),
    normalizer: {
      ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
      ...{ strip_accents: null, lowercase: true },
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: INSIDE, cleanup: true },
    model: {
      ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: INSIDE },
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
  };
}
