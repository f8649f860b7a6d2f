/** Finding TensorFlow in Python environments, and fetching its wheel, with Pythons that are shell scripts. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hashFile } from '../../../node/files/hash';
import type { Pip } from '../../../node/native/python';
import {
  cachedTensorflow,
  fetchTensorflow,
  findTensorflow,
  tensorflowAt,
  wheelName,
} from '../../../node/native/tensorflow';
import { temporaryDirectory } from '../../support/process';
import {
  makePython,
  makeZip,
  tensorflowFiles,
  withoutActivePython,
  writeFiles,
  type ZipEntry,
} from './_fakes';

const directory = temporaryDirectory();
let count = 0;
const newFolder = () => writeFiles(join(directory, String(count++)), { '.keep': '' });

/** What wheels hold, by the name of their package. */
type Wheels = Record<string, ZipEntry[]>;

/** A `python3` that is a shell script. Returns the folder it lies in. */
const fakePython = (script: string) => dirname(makePython(newFolder(), script));

const environment = withoutActivePython();

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
    makePython(join(active, 'bin'), `echo ${folders[0]}`);
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
  });

  test('is found after Pythons that hang, fail or print other things; they are named', () => {
    const [hangs, fails] = [fakePython('exec sleep 60'), fakePython('echo broken >&2; exit 3')];
    const folder = inSite(home());
    const noisy = fakePython(
      `echo 'warning: /opt/tensorflows is deprecated'; echo ${folder}; echo /tmp`,
    );
    process.env.PATH = [hangs, fails, noisy, environment.PATH].join(':');
    const passedOver: string[] = [];
    const found = findTensorflow(undefined, false, (reason) => passedOver.push(reason), 5000);
    expect(found?.folder).toBe(folder);
    expect(passedOver).toEqual([
      `${hangs}/python3 does not run: ${hangs}/python3 -c ... did not end within 5 s and was killed`,
      `${fails}/python3 does not run: broken`,
    ]);
    expect(() => tensorflowAt(join(fails, 'python3'))).toThrow(/python3 does not run: broken$/);
  });

  test.each([
    ['tensorflow', '2.21.0'],
    ['tensorflow_cpu', '2.21.0'],
    ['Tensorflow-CPU', '2.21.0rc1'],
    ['tensorflow.cpu', '2.21.0'],
    ['TENSORFLOW__cpu', '2.21.0'],
    ['intel_tensorflow', '2.15.0'],
  ])('has its version by the name %s, whatever of its kin lies beside', (name, version) => {
    const site = newFolder();
    const kin = [
      'tensorflow_estimator',
      'tensorflow_io_gcs_filesystem',
      'tensorflow_hub',
      'a_tensorflow',
    ];
    for (const each of kin) writeFiles(site, { [`${each}-0.37.1.dist-info/METADATA`]: '' });
    writeFiles(site, tensorflowFiles(version, name));
    expect(tensorflowAt(site).version).toBe(version);
    writeFiles(site, tensorflowFiles('2.9.9', 'tensorflow_gpu')); // one installed over the other
    expect(tensorflowAt(site).version).toBe('of unknown version');
  });

  test.each([
    'lib/python3.10/site-packages',
    'lib64/python3.13/site-packages',
    'lib/python3/dist-packages',
  ])('is found by its root in %s', (site) => {
    const root = home();
    writeFiles(join(root, site), tensorflowFiles('2.20.0'));
    expect(tensorflowAt(root).folder).toBe(join(root, site, 'tensorflow'));
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
      const hashes = { sha256: sha256 ?? (await hashFile(wheel, 'sha256')).digest };
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
    const pip = { python: join(folder, 'python3'), version: '24.0' };
    return { pip, calls: () => readFileSync(log, 'utf8').split('\n') };
  }

  const fetch = (pip: Pip, cache: string, gpu = false) =>
    fetchTensorflow(pip, version, cache, () => undefined, gpu);

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
    const headers = ['tensorflow/core/framework/op_kernel.h', 'absl/status.h', 'external/Core'];
    const archive = headers.map((name) => ({ name: `tensorflow/include/${name}`, data: '//' }));
    const { pip, calls } = await index([...entries, ...archive], undefined, cuda);
    const cache = newFolder();
    const found = await fetch(pip, cache, true);
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

    // And the headers of C++ classes, without which the cache is an earlier version's.
    const include = join(found.folder, 'include');
    const kept = headers.map((name) => existsSync(join(include, name)));
    expect(kept).toEqual([true, true, false]);
    rmSync(join(include, headers[0]!));
    expect(cachedTensorflow(cache, version, true)).toBeUndefined();
  });

  test('for GPUs: with another hash, an error, and an empty cache', async () => {
    const cache = newFolder();
    const { pip } = await index(entries, 'f'.repeat(64), cuda);
    await expect(fetch(pip, cache, true)).rejects.toThrow(/must have SHA-256 f{64}/);
    expect(readdirSync(cache)).toEqual(['.keep']);
  });

  test('leaves what is needed in the cache, and nothing else', async () => {
    const { pip, calls } = await index(entries);
    const cache = newFolder();
    const found = await fetch(pip, cache);
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
    const { pip, calls } = await index(entries);
    process.env.ONLY = '--python-version 3.12';
    await fetch(pip, newFolder());
    expect(calls()[2]).toMatch(/pip download .*--python-version 3\.12/);
  });

  test.each<[string, ZipEntry[], string | undefined, RegExp]>([
    [
      'another hash',
      entries,
      '0'.repeat(64),
      /must have SHA-256 0{64}, as the index says, but has/,
    ],
    ['a hash missing', entries, '', /the index gives no SHA-256 to verify/],
    ['a name that escapes', [...entries, { name: '../../escaped' }], undefined, /is refused/],
    ['a library missing', entries.slice(1), undefined, /has no libtensorflow_cc/],
  ])('with %s: an error, and an empty cache', async (_, archive, sha256, message) => {
    const { pip } = await index(archive, sha256);
    const cache = newFolder();
    await expect(fetch(pip, cache)).rejects.toThrow(message);
    expect(readdirSync(cache)).toEqual(['.keep']);
    expect(existsSync(join(directory, 'escaped'))).toBe(false);
  });

  test('where the index has none: what pip says', async () => {
    const { pip } = await index(entries);
    process.env.ONLY = 'nothing';
    await expect(fetch(pip, newFolder())).rejects.toThrow(
      `finds no wheel of ${wheelName()}==${version}:\nno wheel`,
    );
  });
});
