/** Finds TensorFlow's C library and headers in a Python environment, or downloads its wheels. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { lock } from '../files/lock';
import { downloadWheels } from './pip';
import { normalizedName, type Pip, pythons, tensorflowPackageOf } from './python';
import { unpackWheel } from './wheel';

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
  /** Whether the folder is in our cache rather than in a Python environment. */
  fetched: boolean;
}

/** The package in `folder`, or the reason why it is unsuitable. */
export function examineTensorflow(folder: string): Tensorflow | string {
  for (const file of [...Object.values(LIBRARIES), 'include/tensorflow/c/kernels.h']) {
    if (!existsSync(join(folder, file))) return `${folder} has no ${file}`;
  }
  const versions = readdirSync(dirname(folder)).flatMap((name) => {
    const [, project = '', version] = /^(.+)-(\d+\.\d+\.\d+[^-]*)\.dist-info$/.exec(name) ?? [];
    return version && PROJECTS.test(normalizedName(project)) ? [version] : [];
  });
  // If two were installed over each other, the version of the libraries is unknown.
  const [version = UNKNOWN, ...others] = new Set(versions);
  return { version: others.length > 0 ? UNKNOWN : version, folder, fetched: false };
}

const UNKNOWN = 'of unknown version';

/** The projects that contain the libraries: not tensorflow-estimator, tensorflow-hub and so on. */
const PROJECTS =
  /^(tensorflow(-(cpu|gpu|rocm|cpu-aws))?|tf-nightly(-cpu|-gpu)?|intel-tensorflow(-avx512)?)$/;

/** Where Python keeps packages, relative to an environment or /usr. */
function siteFolders(root: string): string[] {
  return ['lib', 'lib64', 'local/lib'].flatMap((lib) => {
    const folder = join(root, lib);
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder).filter((name) => /^python3/.test(name));
    return names.flatMap((name) =>
      ['site-packages', 'dist-packages'].map((site) => join(folder, name, site)),
    );
  });
}

/** The packages that `path` may refer to: a Python, an environment, its site-packages, or the package. */
function packagesAt(path: string): string[] {
  if (statSync(path).isFile()) return [tensorflowPackageOf(path)].filter((p) => p !== undefined);
  const inSite = siteFolders(path).map((site) => join(site, 'tensorflow'));
  return [path, join(path, 'tensorflow'), ...inSite.filter(existsSync)];
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

/** Whether CUDA's wheels are next to it, where TensorFlow looks for them. */
const hasCuda = ({ folder }: Tensorflow) => existsSync(join(dirname(folder), 'nvidia'));

/**
 * The TensorFlow of the first Python that has one, with that version if one is requested, and with CUDA for GPUs.
 * @param passedOver called with the reason for each Python that does not run
 */
export function findTensorflow(
  version?: string,
  gpu = false,
  passedOver: (reason: string) => void = () => undefined,
  limit?: number,
): Tensorflow | undefined {
  for (const python of pythons()) {
    let folder: string | undefined;
    try {
      folder = tensorflowPackageOf(python, limit);
    } catch (error) {
      passedOver((error as Error).message);
    }
    const found = folder ? examineTensorflow(folder) : 'none';
    if (typeof found === 'string' || (gpu && !hasCuda(found))) continue;
    if (!version || found.version === version) return found;
  }
  return undefined;
}

/** On x86-64 the wheel without CUDA, elsewhere the only one; for GPUs the extra that names CUDA's wheels. */
export function wheelName(gpu = false): string {
  if (gpu) return 'tensorflow[and-cuda]';
  return process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
}

/** Its folder in the cache. */
const cacheName = (version: string, gpu: boolean) =>
  `${gpu ? 'tensorflow-and-cuda' : wheelName()}-${version}`;

/** The files that are needed from the wheels: the libraries, their licenses, and the C API's headers. */
function isNeeded(name: string): boolean {
  return (
    /^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/.test(name) ||
    /^tensorflow\/include\/(tensorflow\/(c|core\/(platform|public|common_runtime))|tsl|xla\/tsl)\//.test(
      name,
    ) ||
    /^nvidia\/[^/]+\/lib\/[^/]+\.so[.\d]*$/.test(name) ||
    /^(tensorflow|nvidia)[^/]*\.dist-info\//i.test(name)
  );
}

/** The same with the headers of the C++ classes that hand out TensorFlow's stream on a GPU. */
const isNeededOnGpu = (name: string) =>
  isNeeded(name) || /^tensorflow\/include\/(?!external\/)/.test(name);

/** Of those headers, one that every TensorFlow has. */
const GPU_HEADER = 'include/tensorflow/core/framework/op_kernel.h';

/** A TensorFlow that an earlier call has fetched. */
export function cachedTensorflow(
  cacheDir: string,
  version: string,
  gpu = false,
): Tensorflow | undefined {
  const folder = join(cacheDir, cacheName(version, gpu), 'tensorflow');
  // An earlier version of this library left the GPU's headers out.
  const whole = existsSync(gpu ? join(folder, GPU_HEADER) : folder);
  const found = whole ? examineTensorflow(folder) : 'none';
  return typeof found === 'string' ? undefined : { ...found, fetched: true };
}

/** How long a process waits for another that fetches the same: 3 GB take a while. */
const WAIT_MS = 3_600_000;

/** Reports the progress of a long step: `(done, total)` in bytes. */
export type Progress = (done: number, total: number) => void;

/**
 * Downloads the wheel through pip and unpacks it into the cache; for GPUs with CUDA's wheels, laid out as in an
 * environment, where TensorFlow looks for them. Every wheel is verified before any is unpacked.
 */
export async function fetchTensorflow(
  pip: Pip,
  version: string,
  cacheDir: string,
  onUnpack: Progress,
  gpu = false,
): Promise<Tensorflow> {
  const wanted = `${wheelName(gpu)}==${version}`;
  await fs.mkdir(cacheDir, { recursive: true });
  // The work happens inside the lock's folder: another process waits, and then finds what this one has fetched.
  const place = join(cacheDir, `.${cacheName(version, gpu)}`);
  const held = await lock(place, { doing: `fetching ${wanted}`, wait: WAIT_MS });
  try {
    const there = cachedTensorflow(cacheDir, version, gpu);
    if (there) return there;
    const unpacked = join(place, 'unpacked');
    for (const wheel of await downloadWheels(pip, wanted, gpu, place)) {
      await unpackWheel(wheel, unpacked, gpu ? isNeededOnGpu : isNeeded, onUnpack);
      await fs.rm(wheel);
    }
    const found = examineTensorflow(join(unpacked, 'tensorflow'));
    if (typeof found === 'string') throw new Error(`${wanted} is unsuitable: ${found}`);

    const home = join(cacheDir, cacheName(version, gpu));
    await fs.rm(home, { recursive: true, force: true }); // No longer complete.
    await fs.rename(unpacked, home);
    return { version: found.version, folder: join(home, 'tensorflow'), fetched: true };
  } finally {
    held.release();
  }
}
