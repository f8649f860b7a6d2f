/** A trained network in a worker: where it comes from, what it takes in, what it answers, and how long that took. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { walkLayers } from 'tfjs-spikingformer/analysis';
import {
  type DataSetDescription,
  type DataSetName,
  dataSetNames,
  dataSets,
  normalize,
} from 'tfjs-spikingformer/datasets';
import { probabilities } from 'tfjs-spikingformer/training';
import { type PoolingStage, poolingStages } from './pooling';

const trainedModels: Readonly<Record<string, spiking.models.TrainedModel>> =
  spiking.models.trainedModels;

/** A folder beside the page, or model.json with its weights, as files. */
export type ModelSource = { folder: string } | { files: File[] };

export interface NetworkInfo {
  /** The data set whose samples and classes have these sizes; null: none that the library knows. */
  dataSet: DataSetName | null;
  kind: 'images' | 'events';
  /** Of an image or a frame. */
  sample: [height: number, width: number, channels: number];
  classes: number;
  timeSteps: number;
  parameters: number;
  /** Of a network that the package ships: what it was trained on, and how it does on the test samples of that. */
  trained: { data: string; accuracy: number; samples: number } | null;
  /** Paths of the LIF neurons, whose membranes can be traced. */
  neurons: string[];
  pooling: PoolingStage[];
}

export interface Answer {
  /** Of each class, 0 to 1. */
  probabilities: Float32Array;
  /** From pixels to probabilities. */
  milliseconds: number;
}

export class Network {
  /** At the chosen number of time steps; the model that was opened has its own. */
  model: tf.LayersModel;
  private timeSteps: number;
  private readonly statistics: { mean?: readonly number[]; std?: readonly number[] };

  private constructor(
    private readonly opened: tf.LayersModel,
    readonly info: NetworkInfo,
  ) {
    this.model = opened;
    this.timeSteps = info.timeSteps;
    this.statistics = info.dataSet ? (dataSets[info.dataSet] as DataSetDescription) : {};
  }

  /** @throws if there is no such model, or its input is neither images nor frames of events */
  static async open(source: ModelSource): Promise<Network> {
    const model = await tf.loadLayersModel(
      'folder' in source ? `${source.folder}/model.json` : tf.io.browserFiles(source.files),
    );
    const shape = model.inputs[0]!.shape.slice(1) as number[];
    if (shape.length < 3 || shape.length > 4 || shape.some((size) => size === null)) {
      model.dispose();
      throw new Error(
        'The model must take images [height, width, channels] or events [time, height, width, 2], ' +
          `but takes [${shape.map((size) => size ?? 'any')}]`,
      );
    }
    const shipped = 'folder' in source ? source.folder : null;
    return new Network(model, describe(model, shape, shipped));
  }

  /** Presents images that often. */
  setTimeSteps(timeSteps: number): void {
    if (timeSteps === this.timeSteps) return;
    const { opened, model, info } = this;
    const isOwn = timeSteps === info.timeSteps;
    this.model = isOwn ? opened : spiking.models.withTimeSteps(opened, timeSteps);
    this.timeSteps = timeSteps;
    if (model !== opened) model.dispose();
  }

  /** One image as the network takes it, `[1, height, width, channels]`; the caller disposes of it. */
  input(bytes: Uint8Array): tf.Tensor4D {
    const { mean, std } = this.statistics;
    const values =
      mean && std ? normalize(bytes, mean, std) : Float32Array.from(bytes, (byte) => byte / 255);
    return tf.tensor4d(values, [1, ...this.info.sample]);
  }

  async classify(bytes: Uint8Array): Promise<Answer> {
    const began = performance.now();
    const logits = tf.tidy(() => this.model.predict(this.input(bytes)) as tf.Tensor);
    const values = await logits.data<'float32'>();
    logits.dispose();
    return { probabilities: probabilities(values), milliseconds: performance.now() - began };
  }

  dispose(): void {
    if (this.model !== this.opened) this.model.dispose();
    this.opened.dispose();
  }
}

/** @param folder beside the page; null for files of the visitor's own */
function describe(model: tf.LayersModel, shape: number[], folder: string | null): NetworkInfo {
  const sample = shape.slice(-3) as NetworkInfo['sample'];
  const classes = model.outputs[0]!.shape.at(-1)!;
  const dataSet = dataSetNames.find(
    (name) => dataSets[name].sample.join() === sample.join() && dataSets[name].classes === classes,
  );
  const neurons: string[] = [];
  let timeSteps = shape.length === 4 ? shape[0]! : 1;
  walkLayers(model, (layer, path) => {
    if (layer.getClassName() === 'LIFNode') neurons.push(path);
    timeSteps = Number(layer.getConfig().timeSteps ?? timeSteps);
  });
  return {
    dataSet: dataSet ?? null,
    kind: shape.length === 4 ? 'events' : 'images',
    sample,
    classes,
    timeSteps,
    parameters: model.countParams(),
    trained: trainedModels[/^weights\/(.*)$/.exec(folder ?? '')?.[1] ?? ''] ?? null,
    neurons,
    pooling: poolingStages(model),
  };
}
