/**
 * Trains the package's tokenizer for the rated sentences, on those of the training split alone, and writes
 * tokenizers/ratedsentences.json: equal sentences give equal bytes.
 *
 *   npx spikingformer datasets prepare ratedsentences
 *   npx tsx scripts/train_wordpiece.ts
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataSets } from '../datasets/data_sets';
import { readRatedSentences, splitRatedSentences } from '../datasets/rated_sentences';
import { trainWordPieces } from '../datasets/word_pieces';
import { datasetRoot } from '../node/datasets/info';
import { writeAtomically } from '../node/files/files';
import { readTarball } from '../node/files/tar';

const archive = join(datasetRoot('ratedsentences'), 'hutto_ICWSM_2014.tar.gz');
const file = readTarball(readFileSync(archive)).get('movieReviewSnippets_GroundTruth.txt')!;
const { train } = splitRatedSentences(readRatedSentences(new TextDecoder().decode(file)));
const { vocabSize } = dataSets.ratedsentences;
const tokenizer = trainWordPieces(
  train.map(({ text }) => text),
  { vocabSize },
);
const path = join('tokenizers', 'ratedsentences.json');
await writeAtomically(path, [new TextEncoder().encode(`${JSON.stringify(tokenizer)}\n`)]);
console.log(`${Object.keys(tokenizer.model.vocab).length} pieces in ${path}`);
