/**
 * Words to spikes: each token has a learned row of numbers and fires where they are at least 0 (SpikeBERT, arXiv
 * 2308.15122).
 */
import * as tf from '@tensorflow/tfjs';
import { checkTokenIds, lookUp, readsAtOnce } from '../lib/embedding';
import { repeatOverTime } from '../lib/fold_time';
import { type AnySurrogateName, getSurrogate } from '../lib/kernels/surrogate';
import { equalSteps, halfFloats, type StoredWeight, type WeightFormat } from '../lib/quantize';
import { spike } from '../lib/spike';
import { checkBoolean, checkPositive, checkPositiveInteger, invalid } from '../lib/validate';
import { normalKernel } from './initializers';
import {
  type CallArgs,
  checkLayerKeys,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from './layer';
import type { OperationList } from './operations';
import { markSpikes } from './silent';
import type { ReadWeight, StoresWeights } from './stored_weights';

/** Options of {@link TokenEmbedding}. */
export interface TokenEmbeddingConfig extends LayerArgs {
  /** Size of the vocabulary: ids go from 0 to vocabSize - 1. */
  vocabSize: number;
  /** Channels per token. */
  embedDim: number;
  /** How many times the spikes are repeated. */
  timeSteps: number;
  /**
   * Whether each position also has a learned row, added to the token's. Default false, as the authors trained: the
   * answer then does not depend on the order of the tokens. True usually answers better, but fixes the sentence's
   * length.
   */
  positions?: boolean;
  /**
   * The id of padding, such as BERT's 0. Attention and TokenMean behind it then leave padding out, by tf.layers' masks,
   * which usually answers better. Default null, as the authors trained: padding counts as a token, and the answer
   * depends on the amount of padding.
   */
  padId?: number | null;
  /**
   * Whether a sentence is read token by token: each is the only one for timeSteps steps, and the neurons' membranes are
   * what remembers those before. With `stateful` neurons behind it a sentence may then come in pieces. Default false:
   * all tokens are there at every step, as attention over tokens needs. Without positions and padId.
   */
  inTime?: boolean;
  /** The surrogate gradient of the firing step. Default 'atan'. */
  surrogate?: AnySurrogateName;
  /** Sharpness of the surrogate. Default: the surrogate's own. */
  alpha?: number;
}

const ownKeys = [
  ...['vocabSize', 'embedDim', 'timeSteps', 'positions', 'padId', 'inTime', 'surrogate', 'alpha'],
];

/**
 * Ids `[batch, tokens]`, int32 or whole numbers in float32 -> spikes `[batch, time, tokens, embedDim]`, time
 * being timeSteps; with inTime `[batch, tokens * timeSteps, 1, embedDim]`.
 *
 * Throws if an id is outside the vocabulary or, with padId, if a sentence is all padding. Not on webgl and webgpu,
 * where reading ids back would wait for the GPU at every call: call `checkTokenIds` there before you make the tensor. A
 * token with such an id has unspecified spikes; other tokens are unaffected.
 */
export class TokenEmbedding extends tf.layers.Layer implements StoresWeights {
  static className = 'TokenEmbedding';
  private readonly vocabSize: number;
  private readonly embedDim: number;
  private readonly timeSteps: number;
  private readonly padId: number | null;
  private readonly positions: boolean;
  private readonly inTime: boolean;
  private readonly encoding: { surrogate: AnySurrogateName; alpha: number };
  private table!: tf.LayerVariable;
  private positionTable?: tf.LayerVariable;

  constructor(config: TokenEmbeddingConfig) {
    checkLayerKeys('TokenEmbedding', config, ownKeys);
    super(config);
    const { vocabSize, embedDim, timeSteps, positions = false, padId = null } = config;
    for (const [key, value] of Object.entries({ vocabSize, embedDim, timeSteps })) {
      checkPositiveInteger(key, value);
    }
    checkBoolean('positions', positions);
    if (padId !== null && !(Number.isInteger(padId) && padId >= 0 && padId < vocabSize)) {
      throw invalid('padId', `null or a whole number from 0 to ${vocabSize - 1}`, padId);
    }
    const { inTime = false, surrogate = 'atan' } = config;
    checkBoolean('inTime', inTime);
    if (inTime && (positions || padId !== null)) {
      throw invalid(
        'inTime',
        'false with positions or padId, which are of whole sentences',
        inTime,
      );
    }
    const { alpha = getSurrogate(surrogate).alpha } = config;
    checkPositive('alpha', alpha);
    this.vocabSize = vocabSize;
    this.embedDim = embedDim;
    this.timeSteps = timeSteps;
    this.positions = positions;
    this.padId = padId;
    this.inTime = inTime;
    this.encoding = { surrogate, alpha };
    this.supportsMasking = true;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = oneShape(inputShape);
    const [, tokens] = shape;
    if (shape.length !== 2 || tokens === 0) {
      throw invalid(
        `The input of ${this.name}`,
        'ids of shape [batch, tokens], with at least one token',
        shape,
      );
    }
    if (this.positions && tokens == null) {
      throw invalid(
        `The input of ${this.name}`,
        'of a known length, since positions is true',
        shape,
      );
    }
    const { vocabSize, embedDim } = this;
    this.table = this.addWeight('embeddings', [vocabSize, embedDim], 'float32', normalKernel(1));
    if (this.positions) {
      const size = [tokens!, embedDim];
      this.positionTable = this.addWeight('positions', size, 'float32', normalKernel(0.02));
    }
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const ids = oneTensor(inputs);
      this.checkIds(ids);
      const rows = lookUp(this.table.read() as tf.Tensor2D, ids.cast('int32'));
      const tokens = this.positionTable ? rows.add(this.positionTable.read()) : rows;
      return markSpikes(this.overTime(spike(tokens, this.encoding)));
    });
  }

  /** `[batch, tokens, embedDim]` -> this layer's output. */
  private overTime(spikes: tf.Tensor): tf.Tensor {
    const { timeSteps, embedDim, inTime } = this;
    if (!inTime) return repeatOverTime(spikes, timeSteps);
    const [batch, tokens] = spikes.shape as [number, number];
    const eachByItself = spikes.reshape([batch * tokens, 1, embedDim]);
    return repeatOverTime(eachByItself, timeSteps).reshape([
      ...[batch, tokens * timeSteps, 1, embedDim],
    ]);
  }

  private checkIds(ids: tf.Tensor): void {
    const tokens = this.positionTable?.shape[0] ?? ids.shape[1];
    if (ids.rank !== 2 || ids.shape[1] === 0 || ids.shape[1] !== tokens) {
      const length = this.positionTable ? `${tokens} tokens, one per learned position` : 'tokens';
      throw invalid(`The input of ${this.name}`, `ids of shape [batch, ${length}]`, ids.shape);
    }
    if (!readsAtOnce()) return;
    const numbers = ids.dataSync();
    checkTokenIds(numbers, ids.shape, this.vocabSize);
    if (this.padId === null) return;
    for (let i = 0; i < numbers.length; i += tokens!) {
      const sentence = numbers.subarray(i, i + tokens!);
      if (sentence.every((id) => id === this.padId)) {
        throw invalid(`ids[${i / tokens!}]`, 'a sentence of at least one token', 'padding alone');
      }
    }
  }

  /** `[batch, tokens]`: false for padding; null without padId. */
  override computeMask(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { padId } = this;
    // tf.layers takes null for no mask, though its type does not allow it.
    if (padId === null) return null as unknown as tf.Tensor;
    return tf.tidy(() => oneTensor(inputs).notEqual(padId));
  }

  /** Without positions only the signs of the table matter, so that its spikes stay as they are. */
  storedWeights(to: WeightFormat, read: ReadWeight): Map<tf.LayerVariable, StoredWeight> {
    if (this.positions) return new Map();
    const store = to === 'int8' ? equalSteps : halfFloats;
    return new Map([[this.table, store(read(this.table), { keepSign: true })]]);
  }

  /** A table lookup multiplies nothing. */
  operations(): OperationList {
    return [];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, tokens = null] = oneShape(inputShape);
    const { timeSteps, embedDim, inTime } = this;
    if (inTime) return [batch, tokens && tokens * timeSteps, 1, embedDim];
    return [batch, timeSteps, tokens, embedDim];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { vocabSize, embedDim, timeSteps, positions, padId, inTime, encoding } = this;
    return {
      ...super.getConfig(),
      ...{ vocabSize, embedDim, timeSteps, positions, padId, inTime },
      ...encoding,
    };
  }
}

/**
 * A {@link TokenEmbedding}: ids `[batch, tokens]` -> spikes `[batch, time, tokens, embedDim]`.
 *
 * @throws if an option is unknown or invalid
 */
export const tokenEmbedding = (config: TokenEmbeddingConfig) => new TokenEmbedding(config);

register(TokenEmbedding);
