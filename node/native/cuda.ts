/**
 * Compiles the CUDA kernels (native/cuda) by CUDA's runtime compiler, NVRTC, which comes with the CUDA that
 * TensorFlow's wheels bring: no GPU and no nvcc are needed.
 */
import { existsSync, readdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { minutes, runAsync } from './process';

/** The kernels' folder, beside the addon: native/cuda/launches.cc looks there. */
export const KERNELS_FOLDER = 'cuda';

/** The ops' sources of the host's side, besides those that hand out TensorFlow's stream. */
export const gpuSources = [
  'driver',
  'launches',
  'multi_step_lif',
  'batch_norm',
  'first_max_pool',
  'attention',
  'updates',
].map((name) => `cuda/${name}`);

/** NVRTC in the folder `nvidia` beside TensorFlow's package, or why it is not there. */
export function findNvrtc(tensorflowFolder: string): string | { reason: string } {
  const nvidia = join(dirname(tensorflowFolder), 'nvidia');
  // cuda_nvrtc of CUDA 12, which any later driver runs too; since 13 all of CUDA shares one folder.
  const packages = existsSync(nvidia) ? readdirSync(nvidia).sort().reverse() : [];
  for (const name of packages.filter((name) => /^(cuda_nvrtc|cu\d+)$/.test(name))) {
    const lib = join(nvidia, name, 'lib');
    const files = existsSync(lib) ? readdirSync(lib) : [];
    const found = files.find((file) => /^libnvrtc\.so\.\d+$/.test(file));
    if (found) return join(lib, found);
  }
  return { reason: `${nvidia} has no libnvrtc: the extra tensorflow[and-cuda] brings it` };
}

/** Time to compile the program that calls NVRTC; for NVRTC to compile the kernels for every GPU. */
const BUILD_LIMIT = minutes(10);
const KERNELS_LIMIT = minutes(30);

/**
 * Compiles the kernels of the folder `native` into `target`, which it makes: kernels.sm_NN.cubin for each generation
 * of GPUs that this NVRTC knows, and kernels.ptx for later ones.
 * @param compiler the C++ compiler's command
 * @param scratch a folder for the program that calls NVRTC
 * @throws Error with the compiler's messages
 */
export async function compileKernels(
  compiler: string,
  nvrtc: string,
  native: string,
  scratch: string,
  target: string,
): Promise<void> {
  const program = join(scratch, 'compile_kernels');
  const sources = join(native, 'cuda');
  const args = ['-std=c++17', '-O1', join(sources, 'compile.cc'), '-ldl', '-o', program];
  await runAsync(compiler, args, 'compiling native/cuda/compile.cc', BUILD_LIMIT);
  await fs.mkdir(target, { recursive: true });
  await runAsync(program, [nvrtc, sources, target], 'compiling the CUDA kernels', KERNELS_LIMIT);
}
