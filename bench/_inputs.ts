/** What all contenders are given: inputs, and the arguments of the network in PyTorch. */
import { writeFileSync } from 'node:fs';
import { interop, models } from 'tfjs-spikingformer';
import { Random } from '../lib/random';
import type { PeerConfig } from './_python';
import type { TaskSpec } from './_task';

export const TIME_STEPS = 4;
export const SIZE = 32;

/** PyTorch's constructor arguments. */
export function peerConfig(preset: string, timeSteps: number): PeerConfig {
  const { embedDim, depth, numHeads, numClasses } = models.presetConfig(preset);
  return {
    channels: embedDim,
    depth,
    heads: numHeads!,
    classes: numClasses,
    time_steps: timeSteps,
  };
}

/** x, and what else the kind needs: y, classes; g, the gradient of its output. */
export function writeInputs(
  path: string,
  { kind }: Pick<TaskSpec, 'kind'>,
  batch: number,
  size = SIZE,
) {
  const random = new Random(0, kind);
  const side = size / 4;
  const shapes = {
    model: { x: [batch, size, size, 3] },
    tokenizer: { x: [batch, size, size, 3], g: [batch, TIME_STEPS, side, side, 256] },
    block: {
      x: [batch, TIME_STEPS, side, side, 256],
      g: [batch, TIME_STEPS, side, side, 256],
    },
    lif: { x: [batch, TIME_STEPS, size, size, 64], g: [batch, TIME_STEPS, size, size, 64] },
  };
  const tensor = (shape: number[]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    return { shape, data: data.map(() => random.uniform(-3, 3)) };
  };
  const tensors = Object.entries(shapes[kind]).map(([name, shape]) => [name, tensor(shape)]);
  const y = { shape: [batch], data: Float32Array.from({ length: batch }, (_, i) => i % 10) };
  writeFileSync(path, interop.writeSafetensors({ ...Object.fromEntries(tensors), y }));
}
