/** Sentences for a model of text, as a command is given them: in its arguments, or a line each on stdin. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { type DataSetName, dataSets } from '../datasets/data_sets';
import { encodeSentences } from '../datasets/sentences';
import { Random } from '../lib/random';
import { packagedTokenizer, readTokenizer } from '../node/tokenizer';
import type { Question } from './_questions';
import type { Samples } from './_samples';
import { UsageError } from './shared/errors';

export interface SentenceArguments {
  /** Sentences; '-' alone: those of stdin. */
  text?: string[];
  /** The tokenizer.json that the model was trained with. */
  tokenizer?: string;
}

/** The layer by which a model takes ids of tokens; undefined: it takes none. */
const embeddingOf = (model: tf.LayersModel) =>
  model.layers.find((layer) => layer.getClassName() === 'TokenEmbedding');

/** Whether a model's samples are ids of tokens. */
export const takesText = (model: tf.LayersModel) => embeddingOf(model) !== undefined;

function linesOf(given: readonly string[]): string[] {
  if (given.join() !== '-') return [...given];
  const lines = readFileSync(0, 'utf8').split(/\r?\n/);
  const sentences = lines.filter((line) => line.trim() !== '');
  if (sentences.length > 0) return sentences;
  throw new UsageError('--text - reads a sentence per line from stdin, but stdin has none');
}

async function tokenizerFor({ tokenizer }: SentenceArguments, dataSet: string | undefined) {
  if (tokenizer !== undefined) return readTokenizer(tokenizer);
  if (dataSet !== undefined && isText(dataSet)) return packagedTokenizer(dataSet);
  throw new UsageError(
    '--text needs --tokenizer, the tokenizer.json that the model was trained with',
  );
}

/** Whether a data set's samples are sentences. */
export const isText = (dataSet: string) =>
  Object.hasOwn(dataSets, dataSet) && dataSets[dataSet as DataSetName].kind === 'text';

/**
 * The sentences as the model takes them; those that are too long are cut, with a warning.
 *
 * @param dataSet what the model was trained on, if that is known
 * @throws UsageError if the model takes no text. @throws DatasetError that names a sentence that is empty, or has a
 *   word that the tokenizer does not know
 */
async function encoded(
  model: tf.LayersModel,
  given: SentenceArguments,
  dataSet: string | undefined,
) {
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  if (!takesText(model)) {
    throw new UsageError(
      `--text is for models of text, but this one takes samples of shape [${shape}]`,
    );
  }
  const sentences = linesOf(given.text!);
  const tokenizer = await tokenizerFor(given, dataSet);
  const [length] = shape as [number];
  const { ids, cut } = encodeSentences(tokenizer, sentences, {
    ...{ length, tooLong: 'cut', padId: tokenizer.idOf('[PAD]') ?? 0 },
    unknownId: tokenizer.idOf('[UNK]') ?? null,
  });
  if (cut > 0) {
    console.error(`warning: ${cut} of ${sentences.length} sentences cut to ${length} tokens`);
  }
  return { sentences, ids, length };
}

/** The sentences in one batch. The caller disposes of x. See `encoded`. */
export async function sentenceSamples(
  model: tf.LayersModel,
  given: SentenceArguments,
  dataSet?: string,
): Promise<Samples> {
  const { sentences, ids, length } = await encoded(model, given, dataSet);
  const x = tf.tensor2d(ids, [sentences.length, length], 'int32');
  return { x, what: `${sentences.length} sentences` };
}

/** The sentences one by one. See `encoded`. */
export async function sentenceQuestions(
  model: tf.LayersModel,
  given: SentenceArguments,
  dataSet?: string,
): Promise<Question[]> {
  const { sentences, ids, length } = await encoded(model, given, dataSet);
  return sentences.map((name, i) => {
    const data = Float32Array.from(ids.subarray(i * length, (i + 1) * length));
    return { name, data };
  });
}

/** Sentences of random tokens. */
export function randomSentences(model: tf.LayersModel, count: number, seed: number): Samples {
  const random = new Random(seed, 'noise');
  const { vocabSize } = embeddingOf(model)!.getConfig() as { vocabSize: number };
  const shape = [count, ...(model.inputs[0]!.shape.slice(1) as number[])];
  const ids = Int32Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
    random.integer(vocabSize),
  );
  const x = tf.tensor(ids, shape, 'int32');
  return {
    x,
    what: `${count} sentences of random tokens (seed ${seed}): give --text for real ones`,
  };
}
