/** Weights to and from the authors' state dicts: layouts, half floats, prefixes, and what is refused. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import '../support/backends';
import { seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { interop } = spiking;
type StateDict = ReturnType<typeof interop.toTorchStateDict>;

beforeAll(() => tf.setBackend('cpu'));

function small(seeded = true): tf.LayersModel {
  const model = spiking.models.spikingformer({
    inputShape: [8, 8, 2],
    numClasses: 3,
    embedDim: 8,
    depth: 2,
    numHeads: 2,
    mlpRatio: 2,
  });
  if (seeded) for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const numbers = (model: tf.LayersModel) => model.getWeights().map((w) => Array.from(w.dataSync()));

let source: tf.LayersModel;
let stateDict: StateDict;
let target: tf.LayersModel;

beforeEach(() => {
  source = small();
  stateDict = interop.toTorchStateDict(source);
  target = small(false);
});
afterEach(() => {
  source.dispose();
  target.dispose();
});

/** The same dictionary with each entry changed. */
function changed(
  change: (entry: StateDict[string], key: string) => [string, interopEntry] | undefined,
) {
  return Object.fromEntries(
    Object.entries(stateDict)
      .map(([key, entry]) => change(entry, key))
      .filter((entry) => entry !== undefined),
  );
}
type interopEntry = Parameters<typeof interop.loadTorchStateDict>[1][string];

const clean = { missing: [], unexpected: [], mismatched: [] };

/** A float32 as IEEE half bits, for numbers that a half holds exactly. */
function halfBits(value: number): number {
  if (value === 0) return 0;
  const sign = value < 0 ? 0x8000 : 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  if (exponent < -14) return sign | Math.round(Math.abs(value) * 2 ** 24);
  return sign | ((exponent + 15) << 10) | Math.round((Math.abs(value) / 2 ** exponent - 1) * 1024);
}

describe('toTorchStateDict and loadTorchStateDict', () => {
  test('round trip: every weight comes back to the bit, and nothing leaks', async () => {
    await expectNoLeak(() => {
      expect(interop.loadTorchStateDict(target, interop.toTorchStateDict(source))).toEqual(clean);
    });
    expect(numbers(target)).toEqual(numbers(source));
  });

  test('round trip through safetensors bytes', () => {
    const bytes = interop.writeSafetensors(stateDict);
    expect(interop.loadTorchStateDict(target, interop.readSafetensors(bytes))).toEqual(clean);
    expect(numbers(target)).toEqual(numbers(source));
  });

  test("kernels lie as PyTorch's: (out, in, height, width), a linear map (out, in, 1)", () => {
    const kernelOf = (suffix: string) =>
      source.weights.find((weight) => weight.originalName.endsWith(suffix))!.read();
    const conv = stateDict['patch_embed.proj1_conv.weight']!;
    const ours = tf.tidy(() => kernelOf('stage2/conv_bn/kernel').arraySync() as number[][][][]);
    const [out, inner, height, width] = conv.shape as [number, number, number, number];
    expect(conv.shape).toEqual([2, 1, 3, 3]);
    for (let o = 0; o < out; o++)
      for (let i = 0; i < inner; i++)
        for (let h = 0; h < height; h++)
          for (let w = 0; w < width; w++) {
            const at = ((o * inner + i) * height + h) * width + w;
            expect(conv.data[at]).toBe(ours[h]![w]![i]![o]);
          }
    const linear = stateDict['block.1.attn.k_conv.weight']!;
    const matrix = tf.tidy(() => kernelOf('block2/attn/k/kernel').arraySync() as number[][]);
    expect(linear.shape).toEqual([8, 8, 1]);
    expect(linear.data[1 * 8 + 3]).toBe(matrix[3]![1]);
    expect(stateDict['head.weight']!.shape).toEqual([3, 8]);
  });

  test('it has what the authors own and never use, as new', () => {
    expect(Array.from(stateDict['block.0.norm1.weight']!.data as Float32Array)).toEqual(
      Array(8).fill(1),
    );
    expect(Array.from(stateDict['block.1.norm2.bias']!.data as Float32Array)).toEqual(
      Array(8).fill(0),
    );
    const counter = stateDict['patch_embed.proj_bn.num_batches_tracked']!;
    expect(counter).toEqual({ shape: [], dtype: 'I64', data: new BigInt64Array(1) });
  });

  test('loading needs none of that', () => {
    const without = changed((entry, key) =>
      /norm\d|num_batches_tracked/.test(key) ? undefined : [key, entry],
    );
    expect(Object.keys(without).length).toBeLessThan(Object.keys(stateDict).length);
    expect(interop.loadTorchStateDict(target, without)).toEqual(clean);
    expect(numbers(target)).toEqual(numbers(source));
  });

  test("takes DataParallel's prefix 'module.'", () => {
    const prefixed = changed((entry, key) => [`module.${key}`, entry]);
    expect(interop.loadTorchStateDict(target, prefixed)).toEqual(clean);
    expect(numbers(target)).toEqual(numbers(source));
  });

  test('takes plain Float32Arrays, and a linear map without its ones at the end', () => {
    const plain = changed(({ shape, data }, key) => [
      key,
      {
        shape: key.endsWith('weight') && shape.at(-1) === 1 ? shape.slice(0, 2) : shape,
        data: Float32Array.from(data as Float32Array, Number),
      },
    ]);
    expect(interop.loadTorchStateDict(target, plain)).toEqual(clean);
    expect(numbers(target)).toEqual(numbers(source));
  });

  test.each(['F64', 'F16', 'BF16'] as const)('takes %s', (dtype) => {
    // Quarters are exact in every float.
    const quarters = (data: ArrayLike<number | bigint>) =>
      Float64Array.from(data as ArrayLike<number>, (x) => Math.round(Number(x) * 4) / 4);
    const encode = {
      F64: (x: Float64Array) => x,
      F16: (x: Float64Array) => Uint16Array.from(x, halfBits),
      BF16: (x: Float64Array) =>
        Uint16Array.from(new Uint32Array(Float32Array.from(x).buffer), (word) => word >>> 16),
    };
    const rounded = changed(({ shape, data }, key) => [
      key,
      { shape, dtype, data: encode[dtype](quarters(data)) } as interopEntry,
    ]);
    expect(interop.loadTorchStateDict(target, rounded)).toEqual(clean);
    const expected = numbers(source).map((values) => values.map((x) => Math.round(x * 4) / 4 + 0));
    expect(numbers(target).map((values) => values.map((x) => x + 0))).toEqual(expected);
  });

  const defects: [
    string,
    (state: Record<string, interopEntry>) => void,
    RegExp,
    Partial<typeof clean>,
  ][] = [
    [
      'a missing key',
      (state) => {
        delete state['head.bias'];
      },
      /nothing was loaded\. missing: head\.bias$/,
      { missing: ['head.bias'] as never[] },
    ],
    [
      'an unexpected key',
      (state) => {
        state['head.scale'] = { shape: [1], data: new Float32Array(1) };
      },
      /nothing was loaded\. unexpected: head\.scale$/,
      { unexpected: ['head.scale'] as never[] },
    ],
    [
      'another shape',
      (state) => {
        state['head.weight'] = { shape: [4, 8], data: new Float32Array(32) };
      },
      /mismatched: head\.weight: the model has \[3,8\], the state dict \[4,8\]$/,
      { mismatched: ['head.weight: the model has [3,8], the state dict [4,8]'] as never[] },
    ],
    [
      'a transposed kernel',
      (state) => {
        state['block.0.mlp.mlp1_conv.weight'] = {
          shape: [8, 16, 1, 1],
          data: new Float32Array(128),
        };
      },
      /mismatched: block\.0\.mlp\.mlp1_conv\.weight: the model has \[16,8,1,1\], the state dict \[8,16,1,1\]$/,
      {
        mismatched: [
          'block.0.mlp.mlp1_conv.weight: the model has [16,8,1,1], the state dict [8,16,1,1]',
        ] as never[],
      },
    ],
    [
      'fewer numbers than its shape',
      (state) => {
        state['head.bias'] = { shape: [3], data: new Float32Array(2) };
      },
      /mismatched: head\.bias/,
      { mismatched: [expect.stringContaining('head.bias')] as never[] },
    ],
  ];
  test.each(defects)(
    '%s: strict loads nothing, else the rest is loaded and it is reported',
    async (_, spoil, message, report) => {
      const spoilt: Record<string, interopEntry> = { ...stateDict };
      spoil(spoilt);
      const before = numbers(target);
      await expectNoLeak(() => {
        expect(() => interop.loadTorchStateDict(target, spoilt)).toThrow(message);
      });
      expect(numbers(target)).toEqual(before);
      expect(interop.loadTorchStateDict(target, spoilt, { strict: false })).toEqual({
        ...clean,
        ...report,
      });
      const after = numbers(target);
      const expected = numbers(source);
      const differing = after.filter((values, i) => values.join() !== expected[i]!.join());
      expect(differing.length).toBe(report.unexpected ? 0 : 1);
    },
  );

  test('an error lists a few of many keys', () => {
    expect(() => interop.loadTorchStateDict(target, {})).toThrow(
      /^The state dict does not fit the model, and nothing was loaded\. missing: patch_embed\.proj_conv\.weight, .*, and \d+ more$/,
    );
  });

  test('a model that the authors have no counterpart of is refused by name', () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ name: 'mine', filters: 1, kernelSize: 1, inputShape: [2, 2, 1] }),
      ],
    });
    expect(() => interop.toTorchStateDict(model)).toThrow(
      "The authors' code has no counterpart of layer mine (Conv2D): the layers must be those of ",
    );
    expect(() => interop.loadTorchStateDict(model, stateDict)).toThrow('layer mine (Conv2D)');
    model.dispose();
  });

  test('a model that was saved and loaded is exchanged as before', async () => {
    let artifacts: tf.io.ModelArtifacts | undefined;
    await source.save(
      tf.io.withSaveHandler(async (saved) => {
        artifacts = saved;
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) };
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts!));
    expect(interop.toTorchStateDict(loaded)).toEqual(stateDict);
    expect(interop.loadTorchStateDict(loaded, interop.toTorchStateDict(target))).toEqual(clean);
    expect(numbers(loaded)).toEqual(numbers(target));
    loaded.dispose();
  });
});
