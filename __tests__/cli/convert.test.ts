/** `spikingformer convert`: the authors' checkpoints to tfjs models and back, with nothing lost on the way. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { type ConvertArguments, convert as run } from '../../cli/convert';
import { UsageError } from '../../cli/shared/errors';
import { interop, models } from '../../index';
import { fileHandler } from '../../node/index';
import '../support/backends';
import { expectSameOutputs, openOnnx } from '../support/onnx';
import { archive, besideWeights, call } from '../support/pickles';
import { root, runFile, temporaryDirectory } from '../support/process';

const folder = join(root, '__tests__/fixtures/checkpoints');
const timm = join(folder, 'timm_checkpoint.pth.tar');
const directory = temporaryDirectory();
/** What the shapes of these small networks do not say. */
const CONFIG = '{"numHeads": 2, "inputShape": [16, 16, 3], "patchSize": 4}';
const at = (name: string) => join(directory, name);
const command = (...args: string[]) => runFile('cli/index.ts', ['convert', ...args]);
const read = (path: string) => new Uint8Array(readFileSync(path));
const sha256 = (path: string) => createHash('sha256').update(read(path)).digest('hex');

const hex = (stateDict: interop.StateDict) =>
  Object.entries(stateDict).map(([key, { shape, dtype, data }]) => [
    ...[key, shape.join(), dtype],
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
  ]);

/** The same without a process of its own: `--ema --config TEXT` as the command line hands it on. */
async function convert(input: string, output: string, ...flags: string[]) {
  const options: Record<string, string | true> = {};
  for (let i = 0; i < flags.length; i++) {
    const name = flags[i]!.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    options[name] = ['config', 'preset'].includes(name) ? flags[++i]! : true;
  }
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await run(input, output, options as ConvertArguments);
    return { status: 0, stdout: log.mock.calls.join('\n'), stderr: '' };
  } catch (error) {
    const status = error instanceof UsageError ? 2 : 1;
    return { status, stdout: log.mock.calls.join('\n'), stderr: (error as Error).message };
  } finally {
    log.mockRestore();
  }
}

const original = interop.readTorchCheckpoint(read(timm));

describe('PyTorch to tfjs to PyTorch', () => {
  test('says what it read, which network it is, what matched and what it wrote', () => {
    const { status, stdout, stderr } = command(timm, at('model'), '--strict');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`SHA-256 ${sha256(timm)}`);
    expect(stdout).toContain(`SHA-256 ${sha256(at('model/model.json'))}`);
    expect(stdout).toMatch(/args: numHeads 2, timeSteps 2, patchSize 4, inputShape \[16,16,3\]/);
    expect(stdout).toMatch(/^all +75 +60 +15 +0 +0 +0$/m);
    expect(stdout).toMatch(/left out: state_dict_ema, epoch, arch, optimizer/);
  });

  test('the way back gives the same bits, unused tensors too', async () => {
    const { status, stdout } = await convert(at('model'), at('back.pth.tar'));
    expect(status).toBe(0);
    expect(stdout).toMatch(/15 unused tensors, kept with the model, are written back/);
    const { stateDict } = interop.readTorchCheckpoint(read(at('back.pth.tar')));
    expect(hex(stateDict)).toEqual(hex(original.stateDict));
  });

  test('averaged weights, safetensors, --json', async () => {
    const { status, stdout } = await convert(timm, at('ema.safetensors'), '--ema', '--json');
    expect(status).toBe(0);
    const { network, output, parts, missing, unexpected, mismatched } = JSON.parse(stdout);
    expect(network.config).toMatchObject({ embedDim: 16, depth: 1, numHeads: 2, timeSteps: 2 });
    expect(output).toEqual([
      {
        path: at('ema.safetensors'),
        bytes: read(at('ema.safetensors')).length,
        sha256: sha256(at('ema.safetensors')),
      },
    ]);
    expect(parts.map(({ part }: { part: string }) => part)).toEqual([
      'patch_embed',
      'block.0',
      'head',
    ]);
    expect([missing, unexpected, mismatched]).toEqual([[], [], []]);
    const ema = Object.fromEntries(
      hex(original.stateDictEma!).map(([key, ...rest]) => [key, rest]),
    );
    const written = Object.fromEntries(
      hex(interop.readSafetensors(read(at('ema.safetensors')))).map(([key, ...rest]) => [
        key,
        rest,
      ]),
    );
    expect(written).toEqual(ema);
  });

  test('from safetensors without unused tensors: defaults are written, and that is said', async () => {
    const used = Object.fromEntries(
      Object.entries(original.stateDict).filter(([key]) => !/norm\d|num_batches/.test(key)),
    );
    writeFileSync(at('used.safetensors'), interop.writeSafetensors(used));
    expect((await convert(at('used.safetensors'), at('plain'), '--config', CONFIG)).status).toBe(0);
    const { status, stdout } = await convert(at('plain/model.json'), at('plain.bin'));
    expect(status).toBe(0);
    expect(stdout).toMatch(/15 unused tensors .* written with PyTorch's defaults/);
    const { stateDict, meta } = interop.readTorchCheckpoint(read(at('plain.bin')));
    expect(meta).toEqual({});
    expect(stateDict['block.0.norm1.weight']!.data).toEqual(new Float32Array(16).fill(1));
    expect(stateDict['head.weight']).toEqual(original.stateDict['head.weight']);
  });

  test('the older format to the newer, optimizer and all', async () => {
    const { status } = await convert(
      join(folder, 'timm_checkpoint_legacy.pth.tar'),
      at('zip.pth.tar'),
    );
    expect(status).toBe(0);
    const { stateDict, stateDictEma, meta } = interop.readTorchCheckpoint(read(at('zip.pth.tar')));
    expect(hex(stateDict)).toEqual(hex(original.stateDict));
    expect(hex(stateDictEma!)).toEqual(hex(original.stateDictEma!));
    expect(meta).toEqual(original.meta);
  });
});

describe('to ONNX', () => {
  test('from a checkpoint: what onnxruntime computes is what the network does', async () => {
    const { stdout } = await convert(timm, at('net.onnx'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ from: 'torch', to: 'onnx', missing: [] });
    const { preset, config } = interop.recognizePreset(original.stateDict, {
      args: original.meta.args,
    });
    const model = models.create(preset, config);
    interop.loadTorchStateDict(model, original.stateDict);
    const x = tf.randomUniform([2, 16, 16, 3], 0, 1, 'float32', 1);
    await expectSameOutputs(model, await openOnnx(read(at('net.onnx'))), x);
    x.dispose();
    model.dispose();
  });

  test('from any saved model', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    await model.save(fileHandler(at('dense')));
    expect((await convert(at('dense'), at('dense.onnx'))).stderr).toBe('');
    const x = tf.ones([1, 3]);
    await expectSameOutputs(model, await openOnnx(read(at('dense.onnx'))), x);
    x.dispose();
    model.dispose();
  });

  test('and not from it', async () => {
    const { status, stderr } = await convert(at('dense.onnx'), at('o.pth'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/is an ONNX model/);
  });
});

describe('what is refused, in one line, with nothing written', () => {
  const withEvil = besideWeights('x', call('os.system', 'id'));

  test.each<[what: string, args: () => string[], status: number, message: RegExp]>([
    ['no such file', () => [at('none.pth'), at('o.pth')], 2, /model must be .*none\.pth/],
    ['an unknown ending', () => [timm, at('o.gguf')], 2, /OUT must end in .*o\.gguf/],
    ['a model from a model', () => [at('model'), at('o')], 2, /there is nothing to convert/],
    ['a folder without one', () => [folder, at('o')], 2, /with a model\.json, but got/],
    ['what is there', () => [timm, at('there.pth')], 2, /there\.pth exists: --force/],
    ['config that is no JSON', () => [timm, at('o'), '--config', '{'], 2, /--config must be JSON/],
    [
      'a preset of other sizes',
      () => [timm, at('o'), '--preset', 'spikingformer-4-256-cifar10'],
      1,
      /depth 1 instead of 4/,
    ],
    [
      'no args, no config',
      () => [join(folder, 'ddp_prefix_checkpoint.pth.tar'), at('o')],
      1,
      /neither .* say numHeads/,
    ],
    [
      'no averaged weights',
      () => [join(folder, 'ddp_prefix_checkpoint.pth.tar'), at('o'), '--ema'],
      1,
      /no averaged weights/,
    ],
    ['another file', () => [join(root, 'README.md'), at('o.pth')], 1, /must begin as torch\.save/],
    ['a class that is not known', () => [at('evil.pth'), at('o.pth')], 1, /asks for os\.system/],
    [
      'a tensor that no network has',
      () => [at('more.safetensors'), at('o.pth'), '--strict', '--config', CONFIG],
      1,
      /extra\.weight is unexpected/,
    ],
    [
      'a weight of another shape',
      () => [at('shape.safetensors'), at('o'), '--config', CONFIG],
      1,
      /attn\.q_bn\.bias: the model has \[16\], the state dict \[3\]/,
    ],
  ])('%s', async (_, args, status, message) => {
    writeFileSync(at('there.pth'), 'mine');
    writeFileSync(at('evil.pth'), archive(withEvil));
    const args0 = { shape: [1], dtype: 'F32' as const, data: new Float32Array(1) };
    writeFileSync(
      at('more.safetensors'),
      interop.writeSafetensors({ ...original.stateDict, 'extra.weight': args0 }),
    );
    writeFileSync(
      at('shape.safetensors'),
      interop.writeSafetensors({
        ...original.stateDict,
        'block.0.attn.q_bn.bias': { ...args0, shape: [3], data: new Float32Array(3) },
      }),
    );
    const before = readdirSync(directory).sort();
    const [input, output, ...flags] = args() as [string, string, ...string[]];
    const { status: got, stdout, stderr } = await convert(input, output, ...flags);
    expect(stderr).toMatch(message);
    expect([got, stdout]).toEqual([status, '']);
    expect(readdirSync(directory).sort()).toEqual(before);
    expect(readFileSync(at('there.pth'), 'utf8')).toBe('mine');
  });

  test('--force replaces; --ignore-unknown-classes reads on; an unrecognised network is said', async () => {
    const { status, stdout } = await convert(
      at('evil.pth'),
      at('there.pth'),
      '--force',
      '--ignore-unknown-classes',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/network was not recognized/);
    const { meta } = interop.readTorchCheckpoint(read(at('there.pth')));
    expect(meta).toEqual({ x: { unknownClass: 'os.system' } });
  });

  test('on the command line it is one line, and the status', () => {
    const { status, stdout, stderr } = command(at('none.pth'), at('o.pth'));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      /^error: model must be a run's folder, a saved model, [^\n]* but got '[^\n]*none\.pth'\n$/,
    );
  });

  test('an existing directory is a place for a model', async () => {
    mkdirSync(at('empty.dir'));
    expect((await convert(timm, at('empty.dir'))).status).toBe(0);
    expect(existsSync(at('empty.dir/model.json'))).toBe(true);
  });
});
