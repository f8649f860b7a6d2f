/** What IFNode, LIFNode and ParametricLIFNode share: one call for all time steps, and an optional state. */
import * as tf from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { runNeuron } from '../lib/neuron';
import type { MapNeurons } from '../lib/spike_conv';
import { checkBoolean, invalid } from '../lib/validate';
import { type CallArgs, isWatched, type LayerArgs, oneShape, oneTensor } from './layer';
import { type OperationList, outputSizes, product } from './operations';
import { warnIfSilent } from './silent';
import { emitSpikes } from './spikes';

export interface StatefulArgs {
  /** Whether membranes persist from one call to the next, until resetStates(). Default false. */
  stateful?: boolean;
}

export abstract class NeuronLayer extends tf.layers.Layer {
  /** The neuron's complete parameters. */
  protected abstract readonly attrs: NeuronAttrs;
  /** If stateful: the membranes `[batch, ...]` that the last call left. */
  private membranes: tf.Tensor | null = null;

  constructor(args: LayerArgs & StatefulArgs) {
    super(args);
    const { stateful = false } = args;
    checkBoolean('stateful', stateful);
    this._stateful = stateful;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = oneShape(inputShape);
    if (shape.length < 3) {
      throw invalid(`The input of ${this.name}`, 'of shape [batch, time, ...neurons]', shape);
    }
    this.built = true;
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  /** The weight of a learned time constant, if there is one. */
  protected timeConstant(): tf.Tensor | undefined {
    return undefined;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = oneTensor(inputs);
      const [state, w] = [this.stateFor(x), this.timeConstant()];
      warnIfSilent(this, x, this.attrs, w !== undefined);
      const { spikes, v } = runNeuron(x, this.attrs, state, w, {
        lastMembranes: this.stateful,
        forLayers: true,
      });
      if (this.stateful) this.keepState(v);
      emitSpikes(this, spikes);
      return spikes;
    });
  }

  /**
   * @internal The neuron's parameters, if whatever computes its input may compute its spikes too: nothing is kept from
   * call to call, and nothing watches the calls.
   */
  asMapNeurons(): MapNeurons | null {
    const isPlain = this.call === NeuronLayer.prototype.call && !isWatched(this);
    if (!isPlain || this.stateful) return null;
    return { attrs: this.attrs, w: this.timeConstant() };
  }

  private stateFor(x: tf.Tensor): tf.Tensor | undefined {
    if (!this.membranes) return undefined;
    const [batch, , ...neurons] = x.shape;
    const expected = [batch!, ...neurons];
    if (this.membranes.shape.join() !== expected.join()) {
      throw new Error(
        `${this.name} is stateful and holds membranes of shape [${this.membranes.shape}], but this input ` +
          `needs [${expected}]: keep the same batch size in every call, or call resetStates() first`,
      );
    }
    return this.membranes;
  }

  private keepState(v: tf.Tensor): void {
    this.membranes?.dispose();
    this.membranes = tf.keep(v.clone());
  }

  /** The neuron steps of one sample, which cost no operations: a row for `countOperations`. */
  operations(): OperationList {
    const [timeSteps, ...neurons] = outputSizes(this);
    const outputs = timeSteps! * product(neurons);
    return [{ kind: 'neurons', operations: 0, timeSteps: timeSteps!, outputs, parameters: 0 }];
  }

  /** @internal Replaces the membranes that it holds and returns them; the caller then owns them. */
  exchangeState(membranes: tf.Tensor | null): tf.Tensor | null {
    const held = this.membranes;
    this.membranes = membranes;
    return held;
  }

  override resetStates(): void {
    super.resetStates();
    this.membranes?.dispose();
    this.membranes = null;
  }

  override dispose(): ReturnType<tf.layers.Layer['dispose']> {
    if (this.stateful) this.resetStates();
    return super.dispose();
  }
}
