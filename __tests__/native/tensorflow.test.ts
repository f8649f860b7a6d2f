/** Finding TensorFlow in Python environments, and fetching its wheel, with Pythons that are shell scripts. */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cachedTensorflow,
  fetchTensorflow,
  findPip,
  findTensorflow,
  sha256Of,
  tensorflowAt,
  wheelName,
} from '../../node/native_tensorflow';
import { temporaryDirectory } from '../support/process';
import { makeZip, tensorflowFiles, writeFiles, type ZipEntry } from './_fakes';

const directory = temporaryDirectory();
let count = 0;
const newFolder = () => writeFiles(join(directory, String(count++)), { '.keep': '' });

/** What wheels hold, by the name of their package. */
type Wheels = Record<string, ZipEntry[]>;

/** A `python3` that is a shell script. Returns the folder it lies in. */
function fakePython(script: string): string {
  const folder = writeFiles(newFolder(), { python3: `#!/bin/sh\n${script}\n` });
  chmodSync(join(folder, 'python3'), 0o755);
  return folder;
}

const environment = { ...process.env };
beforeEach(() => {
  delete process.env.VIRTUAL_ENV;
  delete process.env.CONDA_PREFIX;
});
afterEach(() => {
  process.env = { ...environment };
});

describe('an environment', () => {
  const site = 'lib/python3.12/site-packages';
  const home = () => writeFiles(newFolder(), {});
  const inSite = (root: string, version = '2.18.1') => {
    writeFiles(join(root, site), tensorflowFiles(version));
    return join(root, site, 'tensorflow');
  };

  test('is found by its root, its site-packages, its tensorflow, or its Python', () => {
    const root = home();
    const folder = inSite(root);
    const python = join(fakePython(`echo ${folder}`), 'python3');
    for (const path of [root, join(root, site), folder, python]) {
      expect(tensorflowAt(path)).toEqual({ version: '2.18.1', folder, fetched: false });
    }
  });

  test('that lacks a part is refused by the name of the part', () => {
    expect(() => tensorflowAt(join(directory, 'absent'))).toThrow(
      /--tensorflow must be a path, but .*absent does not exist/,
    );
    const { 'tensorflow/libtensorflow_cc.so.2': _, ...files } = tensorflowFiles('2.5.0');
    const root = writeFiles(newFolder(), files);
    expect(() => tensorflowAt(root)).toThrow(/tensorflow has no libtensorflow_cc\.so\.2/);
    const empty = join(fakePython('echo'), 'python3');
    expect(() => tensorflowAt(empty)).toThrow(/has no tensorflow$/);
  });

  test('that is active comes before those of PATH; one of another version is passed over', () => {
    const [active, other] = [home(), home()];
    const folders = [inSite(active, '2.16.1'), inSite(other, '2.17.0')];
    writeFiles(active, { 'bin/python3': `#!/bin/sh\necho ${folders[0]}\n` });
    chmodSync(join(active, 'bin/python3'), 0o755);
    process.env.VIRTUAL_ENV = active;
    process.env.PATH = fakePython(`echo ${folders[1]}`);
    expect(findTensorflow()?.folder).toBe(folders[0]);
    expect(findTensorflow('2.17.0')?.folder).toBe(folders[1]);
    expect(findTensorflow('2.20.0')).toBeUndefined();
  });

  test('for GPUs must have the libraries of CUDA beside it', () => {
    const root = home();
    process.env.PATH = fakePython(`echo ${inSite(root)}`);
    expect(findTensorflow(undefined, true)).toBeUndefined();
    writeFiles(join(root, site), { 'nvidia/cudnn/lib/libcudnn.so.9': '' });
    expect(findTensorflow(undefined, true)?.version).toBe('2.18.1');
  });

  test('of no Python is none', () => {
    process.env.PATH = newFolder();
    expect(findTensorflow()).toBeUndefined();
    expect(findPip()).toBeUndefined();
  });

  test('without pip is not asked to download', () => {
    const [without, withPip] = [fakePython('exit 1'), fakePython('exit 0')];
    process.env.PATH = `${without}:${withPip}:${environment.PATH}`;
    expect(findPip()).toBe(join(withPip, 'python3'));
  });
});

describe('fetching', () => {
  const version = '2.21.0';
  const entries = Object.entries(tensorflowFiles(version)).map(([name, data]) => ({ name, data }));

  /**
   * A pip whose index has this archive, which it says has `sha256`. Its arguments go to a log: one line
   * each call.
   */
  async function index(archive: ZipEntry[], sha256?: string, others: Wheels = {}) {
    const wheels = newFolder();
    const install: object[] = [];
    for (const [name, entries] of Object.entries({ 'tensorflow-cpu': archive, ...others })) {
      const wheel = join(wheels, `${name}-${version}.whl`);
      writeFileSync(wheel, makeZip(entries));
      const hashes = { sha256: sha256 ?? (await sha256Of(wheel)) };
      const info = { url: 'https://index.example/wheel', archive_info: { hashes } };
      install.push({ download_info: info, metadata: { name, version } });
      if (!/^(tensorflow|nvidia)/.test(name)) rmSync(wheel); // it is reported, but not to be asked for
    }
    const report = join(newFolder(), 'report.json');
    writeFileSync(report, JSON.stringify({ install }));
    const log = join(newFolder(), 'log');
    const folder = fakePython(`
echo "$@" >> ${log}
[ "$3" = install ] && case "$*" in *"$ONLY"*) cat ${report}; exit 0;; *) echo no wheel >&2; exit 1;; esac
for last; do true; done
cp ${wheels}/*.whl "$last/"`);
    return { python: join(folder, 'python3'), calls: () => readFileSync(log, 'utf8').split('\n') };
  }

  const fetch = (python: string, cache: string, gpu = false) =>
    fetchTensorflow(python, version, cache, () => undefined, gpu);

  /** CUDA's wheel, and one of TensorFlow's Python dependencies. */
  const cuda: Wheels = {
    'nvidia-cudnn-cu12': [
      { name: 'nvidia/cudnn/lib/libcudnn.so.9', data: 'cudnn' },
      { name: 'nvidia/cudnn/lib/libcudnn_static.a', data: 'not needed' },
      { name: 'nvidia/cudnn/include/cudnn.h', data: '// not needed' },
      { name: 'nvidia_cudnn_cu12-9.3.0.dist-info/LICENSE', data: 'a licence' },
    ],
    numpy: [{ name: 'numpy/__init__.py', data: '# not needed' }],
  };

  test('for GPUs: the wheels of CUDA that the extra names lie beside, as in an environment', async () => {
    const { python, calls } = await index(entries, undefined, cuda);
    const cache = newFolder();
    const found = await fetch(python, cache, true);
    const home = join(cache, `tensorflow-and-cuda-${version}`);
    expect(found).toEqual({ version, folder: join(home, 'tensorflow'), fetched: true });
    const names = readdirSync(home, { recursive: true }) as string[];
    expect(names.filter((name) => /cudnn\W|LICENSE|numpy/.test(name)).sort()).toEqual([
      'nvidia/cudnn/lib',
      'nvidia/cudnn/lib/libcudnn.so.9',
      'nvidia_cudnn_cu12-9.3.0.dist-info/LICENSE',
    ]);
    expect(calls()[0]).toMatch(/^-m pip install --dry-run .* tensorflow\[and-cuda\]==2\.21\.0$/);
    expect(calls()[0]).not.toContain('--no-deps');
    expect(cachedTensorflow(cache, version, true)).toEqual(found);
    expect(cachedTensorflow(cache, version)).toBeUndefined();
  });

  test('for GPUs: with another hash, an error, and an empty cache', async () => {
    const cache = newFolder();
    const { python } = await index(entries, 'f'.repeat(64), cuda);
    await expect(fetch(python, cache, true)).rejects.toThrow(/must have SHA-256 f{64}/);
    expect(readdirSync(cache)).toEqual(['.keep']);
  });

  test('leaves what is needed in the cache, and nothing else', async () => {
    const { python, calls } = await index(entries);
    const cache = newFolder();
    const found = await fetch(python, cache);
    const home = join(cache, `${wheelName()}-${version}`);
    expect(found).toEqual({ version, folder: join(home, 'tensorflow'), fetched: true });
    const names = readdirSync(home, { recursive: true }) as string[];
    expect(names).toContain('tensorflow/include/tensorflow/c/kernels.h');
    expect(names.filter((name) => /Eigen|__init__/.test(name))).toEqual([]);
    expect(readdirSync(cache).sort()).toEqual(['.keep', `${wheelName()}-${version}`]);
    expect(cachedTensorflow(cache, version)).toEqual(found);
    expect(cachedTensorflow(cache, '2.20.0')).toBeUndefined();
    expect(calls()[1]).toMatch(/-m pip download .*--require-hashes/);
  });

  test("takes another Python's wheel where there is none for this one", async () => {
    const { python, calls } = await index(entries);
    process.env.ONLY = '--python-version 3.12';
    await fetch(python, newFolder());
    expect(calls()[2]).toMatch(/pip download .*--python-version 3\.12/);
  });

  test.each<[string, ZipEntry[], string | undefined, RegExp]>([
    [
      'another hash',
      entries,
      '0'.repeat(64),
      /must have SHA-256 0{64}, as the index says, but has/,
    ],
    ['a hash missing', entries, '', /the index gives no SHA-256 of/],
    ['a name that escapes', [...entries, { name: '../../escaped' }], undefined, /is refused/],
    ['a library missing', entries.slice(1), undefined, /has no libtensorflow_cc/],
  ])('with %s: an error, and an empty cache', async (_, archive, sha256, message) => {
    const { python } = await index(archive, sha256);
    const cache = newFolder();
    await expect(fetch(python, cache)).rejects.toThrow(message);
    expect(readdirSync(cache)).toEqual(['.keep']);
    expect(existsSync(join(directory, 'escaped'))).toBe(false);
  });

  test('where the index has none: what pip says', async () => {
    const { python } = await index(entries);
    process.env.ONLY = 'nothing';
    await expect(fetch(python, newFolder())).rejects.toThrow(
      `pip finds no wheel of ${wheelName()}==${version}:\nno wheel`,
    );
  });
});
