/** The tfjs-node to build, and the machine's requirements for it, checked before anything starts. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Compiler } from './build';
import type { Pip } from './python';

export interface TfjsNode {
  name: string;
  version: string;
  folder: string;
}

/** Disk space for a fetched TensorFlow: its wheels and their unpacked files, at the same time; with CUDA's for GPUs. */
const FETCH_BYTES = { cpu: 1.3e9, gpu: 8e9 };
/** Disk space for building, besides the libraries. */
const BUILD_BYTES = 5e7;

/** tfjs-node as the project imports it. */
export function findTfjsNode(project: string, gpu?: boolean): TfjsNode {
  const names = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'].filter(
    (name) => gpu === undefined || gpu === name.endsWith('-gpu'),
  );
  for (const name of names) {
    try {
      const file = createRequire(join(project, 'package.json')).resolve(`${name}/package.json`);
      const { version } = JSON.parse(readFileSync(file, 'utf8'));
      return { name, version, folder: realpathSync(dirname(file)) };
    } catch {}
  }
  throw new Error(
    `${names.join(' or ')} is not installed in ${project}: ` +
      `\`npm install --ignore-scripts ${names[0]}\` gets it without its own download of TensorFlow`,
  );
}

/** Reports every missing requirement before anything is downloaded or written. */
export async function checkRequirements(
  { folder, name, version }: TfjsNode,
  willFetch: boolean,
  cacheDir: string,
  { findCompiler, findPip }: { findCompiler(): Compiler | string; findPip(): Pip | string },
): Promise<{ compiler: Compiler; pip?: Pip }> {
  const missing: string[] = [];
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    missing.push(`Linux on x64 or arm64; this is ${process.platform} on ${process.arch}`);
  }
  if (!/^4\./.test(version)) missing.push(`version 4 of ${name}; this is ${version}`);
  for (const source of ['tfjs_backend.cc', 'tfjs_binding.cc']) {
    const path = join(folder, 'binding', source);
    if (!existsSync(path)) missing.push(`${path}, which the npm package brings`);
  }
  const compiler = findCompiler();
  if (typeof compiler === 'string') {
    missing.push(
      `a C++17 compiler, such as Debian's package g++ ($CXX names another): ${compiler}`,
    );
  }
  const forGpu = name.endsWith('-gpu');
  const pip = willFetch ? findPip() : undefined;
  if (typeof pip === 'string') {
    missing.push(
      'a Python with pip, which downloads TensorFlow (Debian: python3-pip), ' +
        `or --tensorflow PATH, an environment that has it: ${pip}`,
    );
  }
  await fs
    .access(folder, fs.constants.W_OK)
    .catch(() => missing.push(`permission to write to ${folder}`));
  missing.push(...(await missingSpace(folder, BUILD_BYTES)));
  if (willFetch) {
    missing.push(...(await missingInCache(cacheDir, FETCH_BYTES[forGpu ? 'gpu' : 'cpu'])));
  }
  if (missing.length > 0) {
    throw new Error(`nothing was changed; missing: ${missing.join('; ')}`);
  }
  return { compiler: compiler as Compiler, pip: pip as Pip | undefined };
}

/** What the cache lacks for a download. */
async function missingInCache(cacheDir: string, bytes: number): Promise<string[]> {
  try {
    await fs.mkdir(cacheDir, { recursive: true });
    await fs.access(cacheDir, fs.constants.W_OK);
  } catch (error) {
    const reason = (error as Error).message;
    return [`a cache that can be written to ($XDG_CACHE_HOME names another): ${reason}`];
  }
  return missingSpace(cacheDir, bytes);
}

async function missingSpace(folder: string, bytes: number): Promise<string[]> {
  const { bavail, bsize } = await fs.statfs(folder);
  const free = bavail * bsize;
  const inGB = (x: number) => `${(x / 1e9).toFixed(2)} GB`;
  return free >= bytes ? [] : [`${inGB(bytes)} of disk space at ${folder}; ${inGB(free)} are free`];
}
