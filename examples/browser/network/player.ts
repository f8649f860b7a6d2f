/** A recording of an event camera, frame after frame, before a network whose neurons keep their membranes between frames. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  type Events,
  eventsToFrames,
  type Frames,
  fitEvents,
  readAedat2,
  readAedat31,
  readNMnist,
  type SensorName,
} from 'tfjs-spikingformer/datasets';
import { probabilities } from 'tfjs-spikingformer/training';
import { type ModelSource, Network, type NetworkInfo } from './network';
import { saccades } from './saccades';

/** A file of AEDAT 2.0, AEDAT 3.1 or N-MNIST, or a picture of 28 * 28 bytes that a camera moves over. */
export type RecordingSource = { file: File } | { picture: Uint8Array };

export interface RecordingInfo {
  format: string;
  events: number;
  /** From the first event to the last. */
  seconds: number;
  width: number;
  height: number;
  /** As the network takes them, `[time, height, width, 2]`. */
  frames: Frames;
}

export interface FrameAnswer {
  /** Of each class after the frames so far; after the last, the answer to the whole recording. */
  probabilities: Float32Array;
  milliseconds: number;
}

const CAMERAS: SensorName[] = ['dvs128', 'davis240', 'davis346', 'davis640', 'dvs640'];

/** The cameras by which an AEDAT 2.0 file is tried: its header may name one, and refuses the others. */
function readAnyCamera(bytes: Uint8Array): Events {
  const reasons: string[] = [];
  for (const sensor of CAMERAS) {
    try {
      return readAedat2(bytes, { sensor });
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new Error(reasons[0]);
}

function readEvents(name: string, bytes: Uint8Array): { format: string; events: Events } {
  const head = String.fromCharCode(...bytes.subarray(0, 14));
  if (head.startsWith('#!AER-DAT2')) return { format: 'AEDAT 2.0', events: readAnyCamera(bytes) };
  if (head.startsWith('#!AER-DAT3')) return { format: 'AEDAT 3.1', events: readAedat31(bytes) };
  if (/\.(bin|bs2)$/i.test(name)) return { format: 'N-MNIST', events: readNMnist(bytes) };
  throw new Error(
    `The recording must be AEDAT 2.0, AEDAT 3.1 or a .bin of N-MNIST, but ${name} is none of them`,
  );
}

export class Player {
  private frames: Frames | undefined;
  /** Of the logits of the frames so far. */
  private sum = new Float32Array(0);

  private constructor(
    private readonly model: tf.LayersModel,
    readonly info: NetworkInfo,
  ) {}

  static async open(source: ModelSource): Promise<Player> {
    const network = await Network.open(source);
    try {
      const { kind, sample } = network.info;
      if (kind !== 'events') throw new Error(`The model must take events, but takes [${sample}]`);
      return new Player(spiking.models.stepByStep(network.model), network.info);
    } finally {
      network.dispose();
    }
  }

  async read(source: RecordingSource, frames: number): Promise<RecordingInfo> {
    const { format, events } =
      'file' in source
        ? readEvents(source.file.name, new Uint8Array(await source.file.arrayBuffer()))
        : { format: 'generated', events: saccades(source.picture) };
    const [height, width] = this.info.sample;
    const { t } = events;
    this.frames = eventsToFrames(fitEvents(events, [height, width]), { frames, splitBy: 'time' });
    return {
      format,
      events: t.length,
      seconds: (t.at(-1)! - t[0]!) * 1e-6,
      ...{ width: events.width, height: events.height },
      frames: this.frames,
    };
  }

  /** The frames in their order; the first begins anew. */
  async play(index: number): Promise<FrameAnswer> {
    if (!this.frames) throw new Error('A recording must be opened first');
    const { data, shape } = this.frames;
    const [, height, width, polarities] = shape;
    const size = height * width * polarities;
    if (index === 0) {
      this.model.resetStates();
      this.sum = new Float32Array(this.info.classes);
    }
    const began = performance.now();
    const logits = tf.tidy(() => {
      const frame = data.subarray(index * size, (index + 1) * size);
      return this.model.predict(tf.tensor(frame, [1, 1, ...shape.slice(1)])) as tf.Tensor;
    });
    const values = await logits.data<'float32'>();
    logits.dispose();
    this.sum = this.sum.map((sum, i) => sum + values[i]!);
    return {
      // The readout is a mean over time, and the head behind it linear.
      probabilities: probabilities(this.sum.map((sum) => sum / (index + 1))),
      milliseconds: performance.now() - began,
    };
  }

  dispose(): void {
    this.model.dispose();
  }
}
