/** Finds TensorFlow's C library and headers in a Python environment; gets its wheels where there is none. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run, runShown } from './native_process';
import { unpackWheel } from './native_wheel';

/** The release that this version is tested with. */
export const DEFAULT_VERSION = '2.21.0';

export const LIBRARIES = {
  cc: 'libtensorflow_cc.so.2',
  framework: 'libtensorflow_framework.so.2',
} as const;

export interface Tensorflow {
  version: string;
  /** The Python package's folder, with `include` and the libraries. */
  folder: string;
  /** Whether the folder is ours, in the cache, rather than a Python environment's. */
  fetched: boolean;
}

/** The package in `folder`, or why it does not do. */
export function examineTensorflow(folder: string): Tensorflow | string {
  for (const file of [...Object.values(LIBRARIES), 'include/tensorflow/c/kernels.h']) {
    if (!existsSync(join(folder, file))) return `${folder} has no ${file}`;
  }
  const names = readdirSync(dirname(folder));
  const version = names
    .map((name) => /^tensorflow(?:_\w+)?-(\d+\.\d+\.\d+[^-]*)\.dist-info$/.exec(name)?.[1])
    .find((found) => found !== undefined);
  return { version: version ?? 'of unknown version', folder, fetched: false };
}

/** The `tensorflow` package of the Python that runs as `python`, without importing it. */
function packageOf(python: string): string | undefined {
  const code = `import importlib.util as u; s = u.find_spec('tensorflow'); print(s.submodule_search_locations[0] if s else '')`;
  const { status, stdout } = run(python, ['-c', code]);
  return status === 0 ? stdout.trim() || undefined : undefined;
}

/** The packages that `path` may mean: a Python, an environment, its site-packages, or the package. */
function packagesAt(path: string): string[] {
  if (statSync(path).isFile()) return [packageOf(path)].filter((p) => p !== undefined);
  const lib = join(path, 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => /^python3/.test(name)) : [];
  return [
    path,
    join(path, 'tensorflow'),
    ...pythons.map((name) => join(lib, name, 'site-packages', 'tensorflow')),
  ];
}

/** TensorFlow at the path that the user gave. */
export function tensorflowAt(given: string): Tensorflow {
  const path = resolve(given);
  if (!existsSync(path)) throw new Error(`--tensorflow must be a path, but ${path} does not exist`);
  const reasons: string[] = [];
  for (const folder of packagesAt(path)) {
    const found = examineTensorflow(folder);
    if (typeof found !== 'string') return found;
    reasons.push(found);
  }
  throw new Error(
    '--tensorflow must be a Python, its environment, or the folder of its tensorflow package: ' +
      (reasons.join('; ') || `${path} has no tensorflow`),
  );
}

/** The Pythons that a shell would run, the active environment's first. */
export function pythons(): string[] {
  const { VIRTUAL_ENV, CONDA_PREFIX, PATH = '' } = process.env;
  const folders = [
    ...[VIRTUAL_ENV, CONDA_PREFIX].filter((p) => p !== undefined).map((p) => join(p, 'bin')),
    ...PATH.split(delimiter).filter(Boolean),
  ];
  const found = folders.flatMap((folder) =>
    ['python3', 'python'].map((name) => join(folder, name)).filter(existsSync),
  );
  return [...new Set(found)];
}

/** Whether CUDA's wheels lie beside, where TensorFlow looks for them. */
const hasCuda = ({ folder }: Tensorflow) => existsSync(join(dirname(folder), 'nvidia'));

/** TensorFlow of the first Python that has one, of that version if one is asked for, for GPUs with CUDA. */
export function findTensorflow(version?: string, gpu = false): Tensorflow | undefined {
  for (const python of pythons()) {
    const folder = packageOf(python);
    const found = folder ? examineTensorflow(folder) : 'none';
    if (typeof found === 'string' || (gpu && !hasCuda(found))) continue;
    if (!version || found.version === version) return found;
  }
  return undefined;
}

/** The first Python whose pip can be run. */
export function findPip(): string | undefined {
  return pythons().find((python) => run(python, ['-m', 'pip', '--version']).status === 0);
}

/** On x86-64 the wheel without CUDA, elsewhere the one that there is; for GPUs the extra that names CUDA's wheels. */
export function wheelName(gpu = false): string {
  if (gpu) return 'tensorflow[and-cuda]';
  return process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
}

/** Its folder in the cache. */
const cacheName = (version: string, gpu: boolean) =>
  `${gpu ? 'tensorflow-and-cuda' : wheelName()}-${version}`;

/** The files of the wheels that are needed: the libraries, their licences, and the C API's headers. */
export function isNeeded(name: string): boolean {
  return (
    /^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/.test(name) ||
    /^tensorflow\/include\/(tensorflow\/(c|core\/(platform|public|common_runtime))|tsl|xla\/tsl)\//.test(
      name,
    ) ||
    /^nvidia\/[^/]+\/lib\/[^/]+\.so[.\d]*$/.test(name) ||
    /^(tensorflow|nvidia)[^/]*\.dist-info\//.test(name)
  );
}

/** A wheel of the index that the user's pip is set up for. */
interface IndexedWheel {
  /** `name==version`. */
  requirement: string;
  sha256: string;
}

/** What pip says of a wheel that it would install. */
interface Reported {
  download_info: { archive_info: { hashes: Record<string, string> } };
  metadata: { name: string; version: string };
}

/** A Python package's name as pip compares it (PEP 503): pip's reports spell one package in several ways. */
export const normalizedName = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-');

/** pip's own choice for this Python; for another Python's wheel, where TensorFlow has none for this one. */
const anyPython: readonly string[][] = [
  [],
  ['--python-version', '3.12'],
  ['--python-version', '3.11'],
];

/** The wheels of TensorFlow, and for GPUs those of CUDA that its metadata names; not its Python packages. */
function askIndex(
  python: string,
  requirement: string,
  gpu: boolean,
): { wheels: IndexedWheel[]; options: string[] } {
  let reason = '';
  for (const options of anyPython) {
    const { status, stdout, stderr } = run(python, [
      ...['-m', 'pip', 'install', '--dry-run', '--quiet', '--report', '-'],
      ...(gpu ? [] : ['--no-deps']),
      ...['--target', 'unused', '--only-binary', ':all:', ...options, requirement],
    ]);
    if (status === 0) {
      const reported: Reported[] = JSON.parse(stdout).install;
      const wheels = reported
        .filter(({ metadata }) =>
          /^(tensorflow(-cpu)?$|nvidia-)/.test(normalizedName(metadata.name)),
        )
        .map(({ download_info, metadata: { name, version } }) => ({
          requirement: `${name}==${version}`,
          sha256: download_info.archive_info.hashes.sha256 ?? '',
        }));
      if (wheels.length === 0) {
        throw new Error(`pip finds ${requirement}, but its report names no wheel of TensorFlow`);
      }
      return { wheels, options };
    }
    reason ||= stderr.trim();
  }
  throw new Error(`pip finds no wheel of ${requirement}:\n${reason}`);
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A TensorFlow that an earlier call has fetched. */
export function cachedTensorflow(
  cacheDir: string,
  version: string,
  gpu = false,
): Tensorflow | undefined {
  const folder = join(cacheDir, cacheName(version, gpu), 'tensorflow');
  const found = existsSync(folder) ? examineTensorflow(folder) : 'none';
  return typeof found === 'string' ? undefined : { ...found, fetched: true };
}

/** Downloads that were killed leave their folders; after a day nobody is using them. */
async function removeStale(cacheDir: string): Promise<void> {
  for (const name of existsSync(cacheDir) ? readdirSync(cacheDir) : []) {
    const path = join(cacheDir, name);
    const old = Date.now() - 24 * 3600 * 1000;
    if (name.startsWith('.wheel-') && statSync(path).mtimeMs < old) {
      await fs.rm(path, { recursive: true, force: true });
    }
  }
}

/** Says how far a long step is: `(done, total)` in bytes. */
export type Progress = (done: number, total: number) => void;

/**
 * Downloads the wheel through pip, which knows the user's index, proxy and credentials, and unpacks it
 * into the cache; for GPUs with CUDA's, laid out as in an environment, where TensorFlow looks for them.
 * Two checks of each SHA-256 against the index's: pip's, and ours.
 */
export async function fetchTensorflow(
  python: string,
  version: string,
  cacheDir: string,
  onUnpack: Progress,
  gpu = false,
): Promise<Tensorflow> {
  const wanted = `${wheelName(gpu)}==${version}`;
  const { wheels, options } = askIndex(python, wanted, gpu);
  for (const { requirement, sha256 } of wheels) {
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      throw new Error(`the index gives no SHA-256 of ${requirement}, by which to check it`);
    }
  }
  await removeStale(cacheDir);
  const work = join(cacheDir, `.wheel-${process.pid}-${randomBytes(4).toString('hex')}`);
  await fs.mkdir(work, { recursive: true });
  try {
    const list = join(work, 'requirements.txt');
    const lines = wheels.map(
      ({ requirement, sha256 }) => `${requirement} --hash=sha256:${sha256}\n`,
    );
    await fs.writeFile(list, lines.join(''));
    await runShown(
      python,
      [
        ...['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps'],
        ...['--only-binary', ':all:', ...options, '--require-hashes', '-r', list, '-d', work],
      ],
      `pip download ${wanted}`,
    );
    const unpacked = join(work, 'unpacked');
    await unpackWheels(work, wheels, unpacked, onUnpack);
    const found = examineTensorflow(join(unpacked, 'tensorflow'));
    if (typeof found === 'string') throw new Error(`${wanted} does not do: ${found}`);

    const home = join(cacheDir, cacheName(version, gpu));
    await fs.rm(home, { recursive: true, force: true }); // of another process, or no longer whole
    await fs.rename(unpacked, home);
    return { version: found.version, folder: join(home, 'tensorflow'), fetched: true };
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

/** Checks what pip has left in `work`, all of it before any is unpacked; unpacked wheels are removed. */
async function unpackWheels(
  work: string,
  wheels: readonly IndexedWheel[],
  folder: string,
  onUnpack: Progress,
): Promise<void> {
  const files = readdirSync(work).filter((name) => name.endsWith('.whl'));
  if (files.length !== wheels.length) {
    throw new Error(
      `pip download must leave ${wheels.length} wheels, but has left ${files.length}`,
    );
  }
  const expected = new Set(wheels.map(({ sha256 }) => sha256));
  for (const file of files) {
    const received = await sha256Of(join(work, file));
    if (!expected.has(received)) {
      throw new Error(
        `${file} must have SHA-256 ${[...expected].join(' or ')}, as the index says, but has ${received}`,
      );
    }
  }
  for (const file of files) {
    await unpackWheel(join(work, file), folder, isNeeded, onUnpack);
    await fs.rm(join(work, file));
  }
}
