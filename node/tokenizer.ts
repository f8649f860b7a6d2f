/** Tokenizers of files in Hugging Face's format; @huggingface/tokenizers, an optional peer, reads all kinds of them. */
import { readFileSync } from 'node:fs';
import type { SentenceTokenizer } from '../datasets/sentences';
import { isRecord } from './files/json';
import { packaged } from './files/package_folder';

/** A tokenizer, with what encodeSentences asks of it and what is in its vocabulary. */
export interface FileTokenizer extends SentenceTokenizer {
  /** The id of a token, or undefined: `idOf('[PAD]')`. */
  idOf(token: string): number | undefined;
}

/**
 * The tokenizer of a tokenizer.json.
 *
 * ```ts
 * const tokenizer = await readTokenizer('bert-base-cased/tokenizer.json');
 * const { ids, shape } = encodeSentences(tokenizer, ['A fine film.'], { length: 64 });
 * ```
 *
 * @throws if there is no such file, it is no tokenizer, or @huggingface/tokenizers is not installed
 */
export async function readTokenizer(path: string): Promise<FileTokenizer> {
  const { Tokenizer } = await library();
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!isRecord(json) || !isRecord(json.model)) {
      throw new Error("it must be an object with a 'model', as Hugging Face's tokenizers write it");
    }
    const tokenizer = new Tokenizer(json, {});
    return {
      encode: (text) => tokenizer.encode(text),
      idOf: (token) => tokenizer.token_to_id(token),
    };
  } catch (error) {
    throw new Error(`${path} is no tokenizer that can be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Where the package has its tokenizer for a data set of text. */
export const packagedTokenizerPath = (dataSet: string) => packaged('tokenizers', `${dataSet}.json`);

/**
 * The tokenizer that the package has for a data set, such as 'ratedsentences'.
 *
 * @throws if there is none, or if `@huggingface/tokenizers` is not installed
 */
export const packagedTokenizer = (dataSet: string) => readTokenizer(packagedTokenizerPath(dataSet));

function library() {
  return import('@huggingface/tokenizers').catch((cause: Error) => {
    throw new Error(
      'sentences are split into tokens by @huggingface/tokenizers, which does not load: ' +
        `\`npm install @huggingface/tokenizers\` (${cause.message})`,
      { cause },
    );
  });
}
