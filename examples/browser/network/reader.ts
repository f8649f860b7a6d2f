/** A network for sentences in a worker, with its tokenizer: what it answers to a sentence, and to each beginning of it. */
import * as tf from '@tensorflow/tfjs';
import { probabilities } from 'tfjs-spikingformer/training';
import { type Inside, lookInside } from './inside';
import { type Token, Words } from './words';

export interface ReaderInfo {
  /** Tokens per sentence: shorter ones are padded, longer ones cut. */
  length: number;
  timeSteps: number;
  parameters: number;
}

export interface SentenceAnswer {
  /** Those that the network takes. */
  tokens: Token[];
  /** How many were too many for it. */
  cut: number;
  /** Of each class, 0 to 1; null if it knows none of the tokens. */
  probabilities: Float32Array | null;
  /** From ids to probabilities. */
  milliseconds: number;
}

export interface SentenceInside {
  tokens: Token[];
  /** The answer to the first token, to the first two, and so on to all of them. */
  beginnings: Float32Array[];
  inside: Inside;
}

export class Reader {
  private constructor(
    private readonly model: tf.LayersModel,
    private readonly words: Words,
    readonly info: ReaderInfo,
  ) {}

  /** @param folder beside the page, with model.json, its weights and tokenizer.json */
  static async open(folder: string): Promise<Reader> {
    const model = await tf.loadLayersModel(`${folder}/model.json`);
    const response = await fetch(`${folder}/tokenizer.json`);
    if (!response.ok) {
      throw new Error(`${folder}/tokenizer.json must lie beside it, but got ${response.status}`);
    }
    const [length] = model.inputs[0]!.shape.slice(1) as [number];
    const embedding = model.layers.find((layer) => layer.getClassName() === 'TokenEmbedding');
    const timeSteps = Number(embedding?.getConfig().timeSteps);
    const info = { length, timeSteps, parameters: model.countParams() };
    return new Reader(model, new Words(await response.json()), info);
  }

  async read(text: string): Promise<SentenceAnswer> {
    const { ids, tokens: all } = this.words.split(text);
    const tokens = all.slice(0, this.info.length);
    const cut = all.length - tokens.length;
    if (!tokens.some(({ known }) => known)) {
      return { tokens, cut, probabilities: null, milliseconds: 0 };
    }
    const began = performance.now();
    const [answer] = await this.answers([ids]);
    return { tokens, cut, probabilities: answer!, milliseconds: performance.now() - began };
  }

  /** @param text with at least one token */
  async lookInside(text: string): Promise<SentenceInside> {
    const { ids, tokens: all } = this.words.split(text);
    const tokens = all.slice(0, this.info.length);
    const beginnings = await this.answers(tokens.map((_, i) => ids.slice(0, i + 1)));
    const x = this.input([ids]);
    const inside = await lookInside(this.model, x);
    x.dispose();
    return { tokens, beginnings, inside };
  }

  /** Sentences as the network takes them, `[sentences, length]`. */
  private input(sentences: readonly number[][]): tf.Tensor2D {
    const { length } = this.info;
    const ids = new Int32Array(sentences.length * length).fill(this.words.padId);
    for (const [i, sentence] of sentences.entries()) ids.set(sentence.slice(0, length), i * length);
    return tf.tensor2d(ids, [sentences.length, length], 'int32');
  }

  private async answers(sentences: readonly number[][]): Promise<Float32Array[]> {
    const logits = tf.tidy(() => this.model.predict(this.input(sentences)) as tf.Tensor);
    const values = await logits.data<'float32'>();
    const classes = logits.shape[1]!;
    logits.dispose();
    return sentences.map((_, i) => probabilities(values.slice(i * classes, (i + 1) * classes)));
  }
}
