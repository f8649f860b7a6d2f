/**
 * Sentences of film reviews, each with the mean rating of twenty readers (Hutto and Gilbert, VADER, ICWSM 2014): their
 * movieReviewSnippets_GroundTruth.txt, of the PyPI package vaderSentiment 0.5.
 */
import { Random } from '../lib/random';
import { DatasetError } from './dataset_error';

/** A sentence of a film review, with the rating that people gave it. */
export interface RatedSentence {
  /** Its number in the file, from 1. */
  id: number;
  /** From -4, most negative, to 4, most positive. */
  rating: number;
  text: string;
}

/** A sentence as a sample of two classes. */
export interface LabeledSentence extends RatedSentence {
  /** 0: negative, 1: positive. */
  label: number;
}

/**
 * The sentences of the file's text, of lines `id, tab, rating, tab, sentence`.
 *
 * @throws DatasetError that names the line
 */
export function readRatedSentences(text: string): RatedSentence[] {
  if (typeof text !== 'string') {
    throw new DatasetError(
      `text must be a string, but got ${text === null ? 'null' : typeof text}`,
    );
  }
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  return lines.map((line, i) => {
    const [id = '', rating = '', sentence = '', ...more] = line.split('\t');
    const isRow = /^[1-9]\d*$/.test(id) && /^-?\d+(\.\d+)?$/.test(rating) && more.length === 0;
    if (!isRow || sentence.trim() === '' || Math.abs(Number(rating)) > 4) {
      throw new DatasetError(
        `line ${i + 1} must be an id, a rating from -4 to 4 and a sentence, with tabs between, but got ` +
          JSON.stringify(line.slice(0, 60)),
      );
    }
    return { id: Number(id), rating: Number(rating), text: sentence };
  });
}

/**
 * Positive and negative sentences in the splits that results are given for: one in five is held out, drawn by the
 * seed 0; the order of both splits is drawn too, so that the end of `train` can serve for validation. Left out are
 * sentences rated 0, and repetitions, of which one could be in each split. Of the whole file: 8,453 and 2,113.
 */
export function splitRatedSentences(sentences: readonly RatedSentence[]): {
  train: LabeledSentence[];
  test: LabeledSentence[];
} {
  const seen = new Set<string>();
  const rated = sentences.filter(({ rating, text }) => {
    const isNew = rating !== 0 && !seen.has(text);
    seen.add(text);
    return isNew;
  });
  const order = new Random(0, 'rated sentences').permutation(rated.length);
  const labeled = Array.from(order, (i): LabeledSentence => {
    const sentence = rated[i]!;
    return { ...sentence, label: Number(sentence.rating > 0) };
  });
  const heldOut = Math.floor(labeled.length / 5);
  return { train: labeled.slice(heldOut), test: labeled.slice(0, heldOut) };
}
