/** Sentences to ids of one length, by a tokenizer of the caller's: what networks of text take. */
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import { DatasetError } from './dataset_error';

/** What is needed of a tokenizer: `Tokenizer` of npm's @huggingface/tokenizers has it. */
export interface SentenceTokenizer {
  /** The ids of a text, with those of its beginning and end if the tokenizer adds them. */
  encode(text: string): { readonly ids: ArrayLike<number> };
}

/** Options of `encodeSentences`. */
export interface EncodeSentencesOptions {
  /** Ids of every sentence: a network's inputShape[0]. */
  length: number;
  /** The id that fills short sentences. Default 0, BERT's [PAD]. */
  padId?: number;
  /** What becomes of a sentence of more ids: 'refuse' (default) is an error, 'cut' leaves out those that are too many. */
  tooLong?: 'refuse' | 'cut';
  /** The id that ends a cut sentence too, such as BERT's [SEP], 102. Default null: none does. */
  endId?: number | null;
  /** The id of words that the tokenizer does not know, such as BERT's [UNK], 100: an error if it occurs. Default null: it may. */
  unknownId?: number | null;
}

/** Row-major, for `tf.tensor2d(ids, shape, 'int32')`. */
export interface EncodedSentences {
  ids: Int32Array;
  shape: [sentences: number, length: number];
  /** How many were cut. */
  cut: number;
}

const optionKeys = ['length', 'padId', 'tooLong', 'endId', 'unknownId'];

function checkId(name: string, id: unknown): void {
  if (!Number.isSafeInteger(id) || (id as number) < 0) throw invalid(name, 'an id from 0', id);
}

/**
 * Each sentence's ids, filled up with padId.
 *
 * ```ts
 * const tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig); // of @huggingface/tokenizers
 * const { ids, shape } = encodeSentences(tokenizer, ['A fine film.'], { length: 64 });
 * model.predict(tf.tensor2d(ids, shape, 'int32'));
 * ```
 *
 * @throws DatasetError that names the sentence: if it is empty, has too many ids, or a word that is unknown where
 *   that is refused
 */
export function encodeSentences(
  tokenizer: SentenceTokenizer,
  sentences: readonly string[],
  options: EncodeSentencesOptions,
): EncodedSentences {
  checkKeys('encodeSentences', options, optionKeys);
  const { length, padId = 0, tooLong = 'refuse', endId = null, unknownId = null } = options;
  checkPositiveInteger('length', length);
  if (tooLong !== 'refuse' && tooLong !== 'cut')
    throw invalid('tooLong', "'refuse' or 'cut'", tooLong);
  checkId('padId', padId);
  for (const [name, id] of Object.entries({ endId, unknownId })) if (id !== null) checkId(name, id);
  const all = new Int32Array(sentences.length * length).fill(padId);
  let cut = 0;
  for (const [i, sentence] of sentences.entries()) {
    const ids = idsOf(tokenizer, sentence, `sentences[${i}]`);
    const unknown = unknownId === null ? -1 : ids.indexOf(unknownId);
    if (unknown >= 0) {
      throw new DatasetError(
        `sentences[${i}] must be of words that the tokenizer knows, but its token ${unknown} is unknown: ${quoted(sentence)}`,
      );
    }
    if (ids.length > length) {
      if (tooLong === 'refuse') {
        throw new DatasetError(
          `sentences[${i}] must be of at most ${length} ids, but has ${ids.length}: ${quoted(sentence)}. ` +
            "tooLong: 'cut' leaves out the rest",
        );
      }
      cut++;
    }
    all.set(ids.slice(0, length), i * length);
    if (ids.length > length && endId !== null) all[(i + 1) * length - 1] = endId;
  }
  return { ids: all, shape: [sentences.length, length], cut };
}

function idsOf(tokenizer: SentenceTokenizer, sentence: unknown, name: string): number[] {
  if (typeof sentence !== 'string' || sentence.trim() === '') {
    const received = typeof sentence === 'string' ? quoted(sentence) : typeof sentence;
    throw new DatasetError(`${name} must be a text of at least one word, but got ${received}`);
  }
  const ids = Array.from(tokenizer.encode(sentence).ids);
  if (ids.length === 0) {
    throw new DatasetError(
      `${name} must have at least one token, but has none: ${quoted(sentence)}`,
    );
  }
  return ids;
}

/** The beginning of a sentence, for an error. */
const quoted = (text: string) =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
