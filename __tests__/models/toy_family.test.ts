/** A family that is all in this file gets presets, the authors' names, energy and a recipe, as the library's own have. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations, energyOf } from 'tfjs-spikingformer/analysis';
import { matchByPart } from '../../cli/_match';
import { runChain } from '../../layers/chain';
import { applyTo, CompositeLayer } from '../../layers/composite';
import { type CallArgs, register } from '../../layers/layer';
import type { OperationList } from '../../layers/operations';
import { lookup, mapBN, unusedLayerNorm, weight } from '../../models/torch_names';
import { modelFromRecipe } from '../../training/from_recipe';
import { parseRecipe } from '../../training/parse_recipe';
import '../support/backends';

/** A block whose spikes gate each other: LIF, map, LIF; then the product of both neurons' spikes. */
class ToyBlock extends CompositeLayer {
  static className = 'ToyBlock';
  private readonly first = this.own(spiking.layers.lifNode({ name: 'first' }));
  private readonly second = this.own(spiking.layers.lifNode({ name: 'second' }));
  private readonly map: spiking.layers.LinearBN;

  constructor(private readonly options: { units: number; name?: string }) {
    super(options, ['units']);
    this.config = { units: options.units };
    this.map = this.own(spiking.layers.linearBN({ name: 'map', units: options.units }));
  }

  protected override buildSublayers(shape: tf.Shape): void {
    this.buildInOrder([this.first, this.map, this.second], shape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const first = applyTo(this.first, x, kwargs);
    return first.mul(runChain([this.map, this.second], first, kwargs));
  }

  override operations(): OperationList {
    const [time, tokens] = this.outputShape.slice(1) as number[];
    const outputs = time! * tokens! * this.options.units;
    const gate = {
      part: 'gate',
      kind: 'attention' as const,
      operations: outputs,
      timeSteps: time!,
      outputs,
      parameters: 0,
      terms: [{ share: 1, gates: ['first', 'second'] }],
    };
    return [...this.sublayers, gate];
  }
}
register(ToyBlock);

interface ToyConfig {
  inputShape: number[];
  numClasses: number;
  units: number;
  flavor?: 'sweet' | 'sour';
  timeSteps?: number;
}

function toy({ inputShape, numClasses, units, timeSteps = 4 }: ToyConfig): tf.LayersModel {
  const [height, width, channels] = inputShape as [number, number, number];
  const model = tf.sequential();
  model.add(tf.layers.reshape({ inputShape, targetShape: [height * width, channels] }));
  model.add(tf.layers.dense({ units, name: 'embed' }));
  model.add(spiking.layers.directEncoding({ timeSteps }));
  model.add(new ToyBlock({ units, name: 'block1' }));
  model.add(spiking.layers.rateReadout());
  model.add(tf.layers.dense({ units: numClasses, name: 'head' }));
  return model;
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  spiking.models.registerFamily<ToyConfig>({
    name: 'toy',
    options: {
      inputShape: { type: 'shape', required: true, recipe: false },
      numClasses: { type: 'integer', required: true, recipe: false },
      units: { type: 'integer', required: true, max: 512 },
      flavor: { type: 'string', oneOf: ['sweet', 'sour'], default: 'sweet' },
      timeSteps: { type: 'integer', default: 4 },
    },
    create: toy,
    presets: { 'toy-8-cifar10': { inputShape: [32, 32, 3], numClasses: 10, units: 8 } },
    authors: {
      layers: {
        Reshape: () => [],
        DirectEncoding: () => [],
        ToyBlock: (layer) => [
          ...mapBN({ map: 'toy.map', bn: 'toy.bn', rank: 2 }, 'map', lookup(layer)),
          ...unusedLayerNorm('toy.norm', 8),
        ],
        Dense(layer) {
          const get = lookup(layer);
          const { name } = layer;
          return [weight(`${name}.weight`, get('kernel'), 2), weight(`${name}.bias`, get('bias'))];
        },
      },
      sizes(shapes) {
        const [numClasses, units] = shapes['head.weight']?.shape ?? [];
        const channels = shapes['embed.weight']?.shape[1];
        if (!numClasses || !units || !channels) return 'it has no embed and head';
        return { units, numClasses, channels };
      },
      smallest: () => ({ units: 8 }),
      laterBlocks: /^$/,
      unused: /^toy\.norm\./,
    },
  });
});

test('has a preset, with its parameters as the authors count them', () => {
  expect(spiking.models.list()).toContain('toy-8-cifar10');
  const model = spiking.models.create('toy-8-cifar10', { timeSteps: 2 });
  expect(model.outputShape).toEqual([null, 10]);
  const { parameters, withUnusedLayerNorms } = spiking.models.countParameters(model);
  expect(withUnusedLayerNorms - parameters).toBe(16);
  model.dispose();
});

test("exchanges weights by its authors' names, and is found by them", () => {
  const model = spiking.models.create('toy-8-cifar10', { numClasses: 7 });
  const stateDict = spiking.interop.toTorchStateDict(model);
  expect(Object.keys(stateDict)).toEqual([
    ...['embed.weight', 'embed.bias', 'toy.map.weight', 'toy.bn.weight', 'toy.bn.bias'],
    ...['toy.bn.running_mean', 'toy.bn.running_var', 'toy.bn.num_batches_tracked'],
    ...['toy.norm.weight', 'toy.norm.bias', 'head.weight', 'head.bias'],
  ]);
  const all = { missing: [], unexpected: [], mismatched: [] };
  const [row] = matchByPart(['toy.norm.bias', 'toy.map.weight'], all);
  expect(row).toMatchObject({ part: 'toy', tensors: 2, loaded: 1, unused: 1 });
  const { preset, config } = spiking.interop.recognizePreset(stateDict, {
    preset: 'toy-8-cifar10',
  });
  expect({ preset, config }).toEqual({ preset: 'toy-8-cifar10', config: { numClasses: 7 } });
  const other = spiking.models.create(preset, config);
  spiking.interop.loadTorchStateDict(other, stateDict);
  expect(spiking.interop.toTorchStateDict(other)).toEqual(stateDict);
  model.dispose();
  other.dispose();
});

test('has an energy, its own product gated by both neurons', () => {
  const model = spiking.models.create('toy-8-cifar10', { timeSteps: 2 });
  const count = countOperations(model);
  expect(count.uncounted).toEqual([]);
  expect(count.layers.map(({ path }) => path)).toEqual([
    ...['embed', 'block1/map', 'block1/gate', 'head'],
  ]);
  expect(count.neuronSteps).toBe(2 * (2 * 1024 * 8));
  const rates = new Map([
    ['block1/map', 0.5],
    ['block1/first', 0.5],
    ['block1/second', 0.25],
  ]);
  const { layers } = energyOf(count, rates);
  expect(layers[2]).toMatchObject({ operations: 2 * 1024 * 8, rate: 0.25, acs: 4096, macs: 0 });
  model.dispose();
});

const recipe = (model: string) => `
name: toy
description: A toy.
seed: 1
model: {${model}}
data: {name: cifar10}
epochs: 1
batchSize: 4
effectiveBatch: 4
optimizer: {name: adamw, learningRate: 1e-3}
`;

test('has recipes, by preset and by options', () => {
  const byOptions = parseRecipe(
    recipe('family: toy, units: 16, flavor: sour, timeSteps: 2'),
    'toy.yaml',
  );
  const model = modelFromRecipe(byOptions);
  expect(model.getLayer('block1').outputShape).toEqual([null, 2, 1024, 16]);
  model.dispose();
  modelFromRecipe(parseRecipe(recipe('preset: toy-8-cifar10'), 'toy.yaml')).dispose();
  const wrong = (options: string) => () => parseRecipe(recipe(options), 'toy.yaml');
  expect(wrong('family: toy')).toThrow('needs units, since it has no preset');
  expect(wrong('family: toy, units: 1000')).toThrow('model.units must be <=512');
  expect(wrong('family: toy, units: 8, depth: 2')).toThrow('model.depth is not an option');
  expect(wrong('preset: toy-8-cifar10, flavor: salty')).toThrow('model.flavor must be');
});
