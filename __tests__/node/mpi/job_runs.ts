/** What a run of a job left behind, and which of its processes are alive. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from '../../../node';

export interface Weights {
  trainable: number[][];
  statistics: number[][];
}

/** Weights and running statistics of the model of a run. */
export async function weightsOf(run: string): Promise<Weights> {
  const model = await tf.loadLayersModel(fileHandler(join(run, 'model')));
  const numbers = (weights: tf.LayerVariable[]) =>
    weights.map((weight) => Array.from(weight.read().dataSync()));
  const found = {
    trainable: numbers(model.trainableWeights),
    statistics: numbers(model.nonTrainableWeights),
  };
  model.dispose();
  return found;
}

/** The process of that rank, among those whose arguments name the run. */
export function processOf(run: string, rank: number): number | undefined {
  const text = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  const found = readdirSync('/proc').find(
    (pid) =>
      /^\d+$/.test(pid) &&
      text(pid, 'cmdline').includes(run) &&
      text(pid, 'environ').split('\0').includes(`OMPI_COMM_WORLD_RANK=${rank}`),
  );
  return found === undefined ? undefined : Number(found);
}
