/** Layers made of layers: they own the weights, names, flags and states of their sublayers. */
import * as tf from '@tensorflow/tfjs';
import { internalsOf, symbolicInput } from '../lib/tfjs_internals';
import { invalid } from '../lib/validate';
import {
  type CallArgs,
  checkLayerKeys,
  isWatched,
  type LayerArgs,
  oneShape,
  oneTensor,
} from './layer';
import type { OperationList, OperationOptions } from './operations';
import { ownerOf, setOwner } from './owners';

/** Fuses a composite's inside; other layers have nothing to fuse. */
function fuseIn(layer: tf.layers.Layer): void {
  (layer as Partial<CompositeLayer>).fuse?.();
}

/** A subclass, as what defines `forward`. */
export type CompositeClass = abstract new (...args: never) => CompositeLayer;

/**
 * A layer that owns others. A subclass passes each to `own` in its constructor and builds each with `buildSublayer` in
 * `buildSublayers`. Their weights then belong to the composite as if it had made them: tf.layers counts, names,
 * freezes, saves, loads and disposes them with no further code.
 */
export abstract class CompositeLayer extends tf.layers.Layer {
  /** The layers inside, in the order in which they were made. */
  readonly sublayers: tf.layers.Layer[] = [];
  /** See `fuse`. */
  protected fused = false;
  /** The layer's complete options, as `getConfig` writes them. */
  protected config: tf.serialization.ConfigDict = {};

  /** @param ownKeys The options that the subclass reads. Besides these and those of every layer, none is accepted. */
  constructor(config: LayerArgs, ownKeys: readonly string[]) {
    const { className } = new.target as unknown as { className: string };
    checkLayerKeys(className, config, ownKeys);
    super(config);
  }

  /**
   * Takes ownership of a layer: in the constructor, or in `buildSublayers` if the layer depends on the input's shape.
   */
  protected own<T extends tf.layers.Layer>(layer: T): T {
    if (ownerOf(layer)) {
      throw invalid(
        'layer',
        'a layer that no other layer owns (apply its owner twice instead)',
        layer.name,
      );
    }
    setOwner(layer, this);
    this.sublayers.push(layer);
    layer.setFastWeightInitDuringBuild(internalsOf(this).fastWeightInitDuringBuild);
    if (layer.stateful) this._stateful = true;
    if (!this.trainable) layer.trainable = false;
    if (this.fused) fuseIn(layer);
    return layer;
  }

  /**
   * @internal Before it is built: merges every batch norm inside into the convolution before it, for inference only.
   * The config records this, so that the layer loads as it was saved. See models.fuseBatchNorm.
   */
  fuse(): void {
    this.fused = true;
    for (const layer of this.sublayers) fuseIn(layer);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config, ...(this.fused && { fused: true }) };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    { fused, ...config }: tf.serialization.ConfigDict,
  ): T {
    const layer = new cls(config);
    if (fused) fuseIn(layer as unknown as tf.layers.Layer);
    return layer;
  }

  override get trainable(): boolean {
    return super.trainable;
  }

  /** Passed on to every layer inside, which may react: a frozen batch norm keeps its statistics. */
  override set trainable(trainable: boolean) {
    super.trainable = trainable;
    for (const layer of this.sublayers) layer.trainable = trainable;
  }

  override get trainableWeights(): tf.LayerVariable[] {
    const frozen = new Set(this.sublayers.flatMap((layer) => layer.nonTrainableWeights));
    return super.trainableWeights.filter((weight) => !frozen.has(weight));
  }

  override get nonTrainableWeights(): tf.LayerVariable[] {
    const { _trainableWeights, _nonTrainableWeights } = internalsOf(this);
    const trainable = new Set(this.trainableWeights);
    return [..._trainableWeights, ..._nonTrainableWeights].filter(
      (weight) => !trainable.has(weight),
    );
  }

  /** Builds every sublayer for an input of that shape. */
  protected abstract buildSublayers(inputShape: tf.Shape): void;

  /**
   * Builds one sublayer inside a name scope: without one, two weights could share a name, which saves but does not
   * load. Returns its output shape.
   */
  protected buildSublayer(layer: tf.layers.Layer, inputShape: tf.Shape): tf.Shape {
    return (layer.apply(symbolicInput(inputShape)) as tf.SymbolicTensor).shape;
  }

  /** Builds layers that are applied one after the other. Returns the last one's output shape. */
  protected buildInOrder(layers: readonly tf.layers.Layer[], inputShape: tf.Shape): tf.Shape {
    return layers.reduce((shape, layer) => this.buildSublayer(layer, shape), inputShape);
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    this.buildSublayers(inputShape as tf.Shape);
    for (const layer of this.sublayers) {
      const { trainable } = layer;
      if (!trainable) layer.trainable = true; // Separates weights that it would train from weights that it never trains.
      internalsOf(this)._trainableWeights.push(...layer.trainableWeights);
      internalsOf(this)._nonTrainableWeights.push(...layer.nonTrainableWeights);
      if (!trainable) layer.trainable = false;
    }
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return this.forward(oneTensor(inputs), kwargs);
    });
  }

  /**
   * @internal `addend`, of the output's shape, plus the output, computed together; null if they cannot be, and the layer
   * is then called.
   */
  plus(_addend: tf.Tensor, _x: tf.Tensor, _kwargs: CallArgs): tf.Tensor | null {
    return null;
  }

  /** Whether a call is `forward` of that class and nothing else: it is not overridden, and nobody watches. */
  protected isPlain(of: CompositeClass): boolean {
    const { forward, call } = of.prototype;
    return this.forward === forward && this.call === call && !isWatched(this);
  }

  /** The computation. Its temporary tensors are disposed of afterwards. */
  protected abstract forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor;

  /**
   * What it computes, and the layers inside, in order: see analysis. A product that is not a layer gets its own row
   * here.
   */
  operations(_options: OperationOptions): OperationList {
    return this.sublayers;
  }

  override setFastWeightInitDuringBuild(value: boolean): void {
    super.setFastWeightInitDuringBuild(value);
    for (const layer of this.sublayers) layer.setFastWeightInitDuringBuild(value);
  }

  override resetStates(): void {
    super.resetStates();
    for (const layer of this.sublayers) if (layer.stateful) layer.resetStates();
  }

  override dispose(): ReturnType<tf.layers.Layer['dispose']> {
    if (this.stateful) this.resetStates();
    return super.dispose();
  }
}

/** The output shape of layers that are applied one after the other. */
export function outputShapeInOrder(
  layers: readonly tf.layers.Layer[],
  inputShape: tf.Shape | tf.Shape[],
): tf.Shape {
  return layers.reduce(
    (shape, layer) => layer.computeOutputShape(shape) as tf.Shape,
    oneShape(inputShape),
  );
}

/** A sublayer's output for one tensor. */
export function applyTo(layer: tf.layers.Layer, x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
  return layer.apply(x, kwargs) as tf.Tensor;
}
