/**
 * The worker in which networks run, so that the page stays alive: one backend per worker, which the page chooses.
 * A message names a job and has its arguments; the answer comes back under the message's number.
 */
import './worker_scope';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import { chooseBackend } from 'tfjs-spikingformer';
import { lookInside } from './inside';
import { type ModelSource, Network } from './network';
import { Player, type RecordingSource } from './player';
import { pooledPixels } from './pooling';
import { Reader } from './reader';
import { traceNeurons } from './traces';
import { type TrainingNews, type TrainingOptions, TrainingRun } from './training';

let network: Network | undefined;
let player: Player | undefined;
let reader: Reader | undefined;
let training: TrainingRun | undefined;

const opened = <T>(thing: T | undefined, what: string): T => {
  if (!thing) throw new Error(`${what} must be opened first`);
  return thing;
};
const current = () => opened(network, 'A model');
const currentReader = () => opened(reader, 'A reader');

/** What the page may ask for. */
const jobs = {
  /** Starts the backend. @throws if it does not start here */
  async start(backend: string, willTrain: boolean) {
    setWasmPaths('./');
    await chooseBackend([backend], {
      training: willTrain,
      say: (message) => post({ note: message }),
    });
  },
  async open(source: ModelSource) {
    const next = await Network.open(source);
    network?.dispose();
    network = next;
    return next.info;
  },
  setTimeSteps: (timeSteps: number) => current().setTimeSteps(timeSteps),
  classify: (bytes: Uint8Array) => current().classify(bytes),
  async lookInside(bytes: Uint8Array) {
    const image = current().input(bytes);
    const inside = await lookInside(current().model, image);
    image.dispose();
    return inside;
  },
  trace: (bytes: Uint8Array, path: string, neurons: number[]) =>
    traceNeurons(current(), bytes, path, neurons),
  pool: (bytes: Uint8Array, path: string, channel: number | null, step: number) =>
    pooledPixels(current(), bytes, path, channel, step),
  async openPlayer(model: ModelSource) {
    player?.dispose();
    player = await Player.open(model);
  },
  readRecording: (source: RecordingSource, frames: number) =>
    opened(player, 'A player').read(source, frames),
  playFrame: (index: number) => opened(player, 'A player').play(index),
  async openReader(folder: string) {
    reader ??= await Reader.open(folder);
    return reader.info;
  },
  readSentence: (text: string) => currentReader().read(text),
  lookIntoSentence: (text: string) => currentReader().lookInside(text),
  train(options: TrainingOptions) {
    training = new TrainingRun(options, (news) => post({ news }));
    return training.run();
  },
  pause: () => opened(training, 'A training run').pause(),
  resume: () => opened(training, 'A training run').resume(),
  end: () => opened(training, 'A training run').end(),
  save: () => opened(training, 'A training run').save(),
};

export type Jobs = typeof jobs;

/** From the page. */
export interface Request {
  id: number;
  job: keyof Jobs;
  args: unknown[];
}

/** To the page: an answer, how training goes, or a sentence about the backend. */
export type Message =
  | { id: number; result: unknown }
  | { id: number; error: string }
  | { news: TrainingNews }
  | { note: string };

function post(message: Message): void {
  self.postMessage(message);
}

self.onmessage = async ({ data: { id, job, args } }: MessageEvent<Request>) => {
  try {
    const result = await (jobs[job] as (...args: unknown[]) => unknown)(...args);
    post({ id, result });
  } catch (error) {
    post({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
