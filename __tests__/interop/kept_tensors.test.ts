/** What a checkpoint has and a model does not use: kept with it, in its files too, and written again. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from '../../node/runs/file_handler';
import '../support/backends';
import { temporaryDirectory } from '../support/process';

const { interop } = spiking;
const directory = temporaryDirectory();

beforeAll(() => tf.setBackend('cpu'));

const create = () =>
  spiking.models.spikingformer({
    inputShape: [8, 8, 2],
    numClasses: 3,
    embedDim: 8,
    depth: 1,
    numHeads: 2,
  });

/** A state_dict with something of its own in every tensor that the model does not use. */
function trained() {
  const model = create();
  const stateDict = interop.toTorchStateDict(model);
  model.dispose();
  let n = 0;
  for (const [key, { data }] of Object.entries(stateDict)) {
    if (key.endsWith('num_batches_tracked')) (data as BigInt64Array).fill(2n ** 60n + BigInt(n++));
    else if (/norm\d/.test(key)) {
      // A NaN with bits of its own must keep them.
      new Uint32Array((data as Float32Array).buffer).fill(0x7fc00001 + n++);
    }
  }
  return stateDict;
}

const hex = (stateDict: ReturnType<typeof trained>) =>
  Object.entries(stateDict).map(([key, { shape, dtype, data }]) => [
    ...[key, shape.join(), dtype],
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
  ]);

test('a model gives back what it was loaded from, to the bit', () => {
  const stateDict = trained();
  const model = create();
  expect(interop.keptTorchTensors(model)).toEqual({});
  interop.loadTorchStateDict(model, stateDict);
  const unused = Object.keys(stateDict).filter((key) => /norm\d|num_batches/.test(key));
  expect(Object.keys(interop.keptTorchTensors(model)).sort()).toEqual(unused.sort());
  expect(hex(interop.toTorchStateDict(model))).toEqual(hex(stateDict));
});

test('so does its copy from a file, and metadata of others stays', async () => {
  const stateDict = trained();
  const model = create();
  model.setUserDefinedMetadata({ mine: 1 });
  interop.loadTorchStateDict(model, stateDict);
  await model.save(fileHandler(`${directory}/model`));
  const loaded = await tf.loadLayersModel(fileHandler(`${directory}/model`));
  expect(hex(interop.toTorchStateDict(loaded))).toEqual(hex(stateDict));
  expect(loaded.getUserDefinedMetadata()).toMatchObject({ mine: 1 });
});

test('other weights take the place of what was kept; without any, a fresh module is written', () => {
  const stateDict = trained();
  const model = create();
  interop.loadTorchStateDict(model, stateDict);
  const without = Object.fromEntries(
    Object.entries(stateDict).filter(([key]) => !/norm\d|num_batches/.test(key)),
  );
  interop.loadTorchStateDict(model, without);
  expect(interop.keptTorchTensors(model)).toEqual({});
  expect(interop.toTorchStateDict(model)['block.0.norm1.weight']!.data).toEqual(
    new Float32Array(8).fill(1),
  );
});

test('one of another shape is not kept', () => {
  const stateDict = trained();
  stateDict['block.0.norm1.bias'] = { shape: [2], dtype: 'F32', data: new Float32Array(2) };
  const model = create();
  interop.loadTorchStateDict(model, stateDict, { strict: false });
  expect(interop.keptTorchTensors(model)['block.0.norm1.bias']).toBeUndefined();
});

test('metadata that was changed by hand is refused', () => {
  const model = create();
  model.setUserDefinedMetadata({ torchUnusedTensors: 'AAAA' });
  expect(() => interop.toTorchStateDict(model)).toThrow(interop.SafetensorsError);
});
