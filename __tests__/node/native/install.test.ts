/** What `native install` does and refuses, without a compiler, a network or TensorFlow. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from '../../../node/files/lock';
import { installNative, removeNative, type Steps } from '../../../node/native/install';
import { bindingFolder, OPS_FILE } from '../../../node/native/ops';
import type { Proof } from '../../../node/native/proof';
import { temporaryDirectory } from '../../support/process';
import { makeProject, tensorflowFiles, writeFiles } from './_fakes';

const directory = temporaryDirectory();
let count = 0;
const newPath = () => join(directory, String(count++));

const proof: Proof = {
  tensorflow: '2.21.0',
  gpu: false,
  gigaflops: 1,
  ops: { interface: 1, instructionSet: 'none', threads: 1, bfloat16: false, amx: false },
};

/** A project, and steps that only write small files; `calls` names those that ran. */
function setUp(changes: Partial<Steps> = {}, name = '@tensorflow/tfjs-node', version?: string) {
  const project = makeProject(newPath(), name, version);
  const folder = join(project, 'node_modules', name);
  const cacheDir = newPath();
  const calls: string[] = [];
  const steps: Steps = {
    findCompiler: () => ({ command: 'c++', version: 'a compiler' }),
    findPip: () => ({ python: 'python3', version: '24.0' }),
    findTensorflow: () => undefined,
    fetchTensorflow: async (_, wanted, cache) => {
      calls.push(`fetch ${wanted}`);
      writeFiles(join(cache, `tensorflow-cpu-${wanted}`), tensorflowFiles(wanted));
      const home = join(cache, `tensorflow-cpu-${wanted}`, 'tensorflow');
      return { version: wanted, folder: home, fetched: true };
    },
    build: async (packageDir, tensorflow, _, target) => {
      calls.push(`build ${tensorflow.version}`);
      const output = bindingFolder(packageDir).replace(packageDir, target);
      mkdirSync(join(target, 'deps'));
      mkdirSync(output, { recursive: true });
      const built = { binding: join(output, 'tfjs_binding.node'), ops: join(output, OPS_FILE) };
      for (const file of Object.values(built)) writeFileSync(file, tensorflow.version);
      return { ...built, gpuLacks: packageDir.endsWith('-gpu') ? ['the kernels: no NVRTC'] : [] };
    },
    prove: (_, binding) => {
      calls.push(`prove ${binding ? 'what was built' : 'in place'}`);
      return proof;
    },
    ...changes,
  };
  const install = (options = {}) => installNative({ project, cacheDir, ...options }, steps);
  const ops = () => readFileSync(join(bindingFolder(folder), OPS_FILE), 'utf8');
  return { project, folder, calls, install, ops };
}

const untouched = ['binding', 'package.json'];

test('fetches, builds, proves beside and in place; a second run proves only', async () => {
  const { folder, calls, install, ops, project } = setUp();
  const first = await install();
  expect(first).toMatchObject({ unchanged: false, tensorflow: '2.21.0' });
  const all = ['fetch 2.21.0', 'build 2.21.0', 'prove what was built', 'prove in place'];
  expect(calls.splice(0)).toEqual(all);
  expect(ops()).toBe('2.21.0');
  expect(readdirSync(folder).filter((name) => name.includes('build'))).toEqual([]);

  expect(await install()).toMatchObject({ unchanged: true });
  expect(calls.splice(0)).toEqual(['prove in place']);

  expect(await removeNative({ project })).toMatchObject({ removed: true });
  expect(readdirSync(folder)).toEqual(untouched);
  expect(await removeNative({ project })).toMatchObject({ removed: false });
});

test('for tfjs-node-gpu, CUDA comes with TensorFlow; a machine without a GPU is no error', async () => {
  const asked: (boolean | undefined)[] = [];
  const { calls, install } = setUp(
    {
      findTensorflow: (_, gpu) => void asked.push(gpu),
      fetchTensorflow: async (_, wanted, cache, __, gpu) => {
        asked.push(gpu);
        const home = join(cache, `tensorflow-and-cuda-${wanted}`);
        writeFiles(home, tensorflowFiles(wanted));
        return { version: wanted, folder: join(home, 'tensorflow'), fetched: true };
      },
    },
    '@tensorflow/tfjs-node-gpu',
  );
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  expect(await install({ log })).toMatchObject({ gpu: false, tensorflow: '2.21.0' });
  expect(lines).toContain('on a GPU the ops lack the kernels: no NVRTC');
  expect(asked).toEqual([true, true]);
  expect(calls).toContain('prove in place');
});

test('builds anew when asked, and for another TensorFlow', async () => {
  const { calls, install, ops } = setUp();
  await install();
  calls.splice(0);
  await install({ force: true });
  expect(calls.splice(0)[0]).toBe('build 2.21.0');
  await install({ version: '2.18.0' });
  expect(calls.splice(0).slice(0, 2)).toEqual(['fetch 2.18.0', 'build 2.18.0']);
  expect(ops()).toBe('2.18.0');

  const environment = writeFiles(newPath(), tensorflowFiles('2.16.1'));
  await install({ tensorflow: environment });
  expect(calls.splice(0)[0]).toBe('build 2.16.1');
  await install({ tensorflow: environment });
  expect(calls.splice(0)).toEqual(['prove in place']);
});

test('builds anew what no longer works, or was built of other sources', async () => {
  const results = [proof, proof, new Error('it does not load'), proof, proof];
  const prove = () => {
    const result = results.shift() ?? proof;
    if (result instanceof Error) throw result;
    return result;
  };
  const { calls, install, folder } = setUp({ prove });
  await install();
  calls.splice(0);
  const log: string[] = [];
  await install({ log: (line: string) => log.push(line) });
  expect(calls.splice(0)).toEqual(['build 2.21.0']);
  expect(log).toContain('building anew: it does not work: it does not load');

  const record = join(folder, 'deps/spikingformer.json');
  const text = readFileSync(record, 'utf8');
  writeFileSync(record, text.replace(/"sources": "\w+"/, '"sources": "other"'));
  await install({ log: (line: string) => log.push(line) });
  expect(log).toContain("building anew: this library's ops have changed");
});

test.each<[string, Partial<Steps>]>([
  ['fetching', { fetchTensorflow: () => Promise.reject(new Error('broken')) }],
  ['building', { build: () => Promise.reject(new Error('broken')) }],
  [
    'proving',
    {
      prove: () => {
        throw new Error('broken');
      },
    },
  ],
])('when %s fails, tfjs-node is as it was', async (_, changes) => {
  const { folder, install } = setUp(changes);
  await expect(install()).rejects.toThrow('broken');
  expect(readdirSync(folder)).toEqual(untouched);
});

test('when the proof in place fails, so does the build; what was there before still is', async () => {
  let proofs = 0;
  const prove = () => {
    if (++proofs === 2) throw new Error('not in place');
    return proof;
  };
  const { folder, install } = setUp({ prove });
  await expect(install()).rejects.toThrow('not in place');
  expect(readdirSync(folder)).toEqual(untouched);
  await install();
  expect(existsSync(join(folder, 'lib'))).toBe(true);
});

test('undoes what a killed process left, and takes over its folder', async () => {
  const { folder, install } = setUp();
  writeFiles(folder, {
    '.spikingformer-build/process': '2147483646',
    '.spikingformer-previous/parts.json': '["lib"]',
    '.spikingformer-previous/lib/own.node': 'own',
    'deps/lib/half': 'half',
  });
  const log: string[] = [];
  await install({ log: (line: string) => log.push(line) });
  expect(log).toContain('an earlier attempt was interrupted: undone');
  expect(readFileSync(join(folder, '.spikingformer-original/lib/own.node'), 'utf8')).toBe('own');
});

test('two at a time: the second is refused', async () => {
  const { folder, install } = setUp();
  const held = await lock(join(folder, '.spikingformer-build'), { doing: 'native install' });
  await expect(install()).rejects.toThrow(
    `${folder} is in use by process ${process.pid} (native install, since `,
  );
  held.release();
  await install();
});

describe('before it starts, it refuses', () => {
  const refused = async (
    { install, folder, calls }: ReturnType<typeof setUp>,
    message: RegExp,
    options = {},
  ) => {
    await expect(install(options)).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual(untouched);
    expect(calls).toEqual([]);
  };

  test('a project without tfjs-node', async () => {
    const project = writeFiles(newPath(), { 'package.json': '{}' });
    await expect(installNative({ project })).rejects.toThrow(
      /tfjs-node or @tensorflow\/tfjs-node-gpu is not installed in .*`npm install --ignore-scripts/,
    );
    const { install } = setUp();
    await expect(install({ gpu: true })).rejects.toThrow(/tfjs-node-gpu is not installed/);
  });

  test('a machine that lacks things, naming all of them', () =>
    refused(
      setUp({ findCompiler: () => 'c++ does not run', findPip: () => 'python3 hangs' }),
      /nothing was changed; missing: a C\+\+17 compiler.*c\+\+ does not run; a Python with pip.*: python3 hangs/,
    ));

  test('a disk that is too full, for what is fetched or for what is built', async () => {
    const full = { bavail: 1, bsize: 4096 } as Awaited<ReturnType<typeof fs.statfs>>;
    const statfs = jest.spyOn(fs, 'statfs').mockResolvedValue(full);
    await refused(setUp(), /0\.05 GB of disk space at .*; 0\.00 GB are free; 1\.30 GB of disk/);
    await refused(setUp({}, '@tensorflow/tfjs-node-gpu'), /8\.00 GB of disk space/);
    statfs.mockRestore();
  });

  test('a cache that cannot be made', async () => {
    const cacheDir = join(writeFiles(newPath(), { file: '' }), 'file/cache');
    await refused(setUp(), /a cache that can be written to \(\$XDG_CACHE_HOME names another\): /, {
      cacheDir,
    });
  });

  test('tfjs-node of another age', () =>
    refused(setUp({}, '@tensorflow/tfjs-node', '3.21.0'), /version 4 of .*; this is 3\.21\.0/));

  test('a path without TensorFlow', () =>
    refused(setUp(), /--tensorflow must be a path, but/, { tensorflow: newPath() }));

  test.each(['linux', 'darwin', 'win32'])(
    'a platform that it cannot build for: %s',
    async (name) => {
      const { platform } = process;
      Object.defineProperty(process, 'platform', { value: name });
      try {
        if (name === 'linux') await setUp().install();
        else await refused(setUp(), /Linux on x64 or arm64; this is (darwin|win32)/);
      } finally {
        Object.defineProperty(process, 'platform', { value: platform });
      }
    },
  );
});
