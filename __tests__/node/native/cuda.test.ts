/**
 * The CUDA kernels compile for GPUs, by the NVRTC that lies in .cache/nvrtc: `.ci/run` gets it through pip. Skipped,
 * saying so, without it or a C++ compiler. What runs them, and what times them, compiles too.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCompiler } from '../../../node/native/build';
import { compileKernels, findNvrtc } from '../../../node/native/cuda';
import { root, temporaryDirectory } from '../../support/process';
import { writeFiles } from './_fakes';

const directory = temporaryDirectory();
const native = join(root, 'native');
const compiler = findCompiler();
const nvrtc = findNvrtc(join(root, '.cache/nvrtc/tensorflow'));
const missing =
  typeof compiler === 'string' ? compiler : typeof nvrtc === 'string' ? undefined : nvrtc.reason;
const { command } = typeof compiler === 'string' ? { command: '' } : compiler;

const describeUnless = (reason: string | undefined, name: string, body: () => void) =>
  reason ? describe.skip(`${name} [skipped: ${reason}]`, body) : describe(name, body);

/** Every kernel that kernels.h names. */
const kernelNames = [
  ...readFileSync(join(native, 'cuda/kernels.h'), 'utf8').matchAll(/^KERNEL (\w+)\(/gm),
].map(([, name]) => name!);

test('NVRTC is found where the wheels of CUDA 12 and 13 have it', () => {
  const folder = join(directory, 'site-packages');
  const package_ = join(folder, 'tensorflow');
  expect(findNvrtc(package_)).toEqual({ reason: expect.stringContaining('has no libnvrtc') });
  writeFiles(folder, {
    'nvidia/cu13/lib/libnvrtc.so.13': '',
    'nvidia/cu13/lib/libnvrtc.alt.so.13': '',
  });
  expect(findNvrtc(package_)).toBe(join(folder, 'nvidia/cu13/lib/libnvrtc.so.13'));
  writeFiles(folder, { 'nvidia/cuda_nvrtc/lib/libnvrtc.so.12': '' });
  expect(findNvrtc(package_)).toBe(join(folder, 'nvidia/cuda_nvrtc/lib/libnvrtc.so.12'));
});

describeUnless(missing, 'the CUDA kernels by NVRTC', () => {
  const compile = (sources: string, target: string) =>
    compileKernels(command, nvrtc as string, sources, directory, join(directory, target));

  it('are all in what any GPU is given', async () => {
    expect(kernelNames.length).toBeGreaterThanOrEqual(20);
    await compile(native, 'kernels');
    const made = readdirSync(join(directory, 'kernels')).sort();
    expect(made).toEqual(
      expect.arrayContaining(['kernels.ptx', 'kernels.sm_80.cubin', 'kernels.sm_90.cubin']),
    );
    const ptx = readFileSync(join(directory, 'kernels/kernels.ptx'), 'utf8');
    const entries = [...ptx.matchAll(/\.entry (\w+)\(/g)].map(([, name]) => name);
    expect(entries.sort()).toEqual([...kernelNames].sort());
    for (const file of made.filter((name) => name.endsWith('.cubin'))) {
      const cubin = readFileSync(join(directory, 'kernels', file));
      expect(cubin.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
      for (const name of kernelNames) expect(cubin.includes(`.text.${name}`)).toBe(true);
    }
  });

  it("that do not compile give the compiler's message", async () => {
    const sources = join(directory, 'broken');
    mkdirSync(sources);
    cpSync(join(native, 'cuda'), join(sources, 'cuda'), { recursive: true });
    writeFileSync(join(sources, 'cuda/kernels.cu'), 'no kernel');
    await expect(compile(sources, 'none')).rejects.toThrow(
      /compiling the CUDA kernels failed[\s\S]*error/,
    );
  });
});

describeUnless(typeof compiler === 'string' ? compiler : undefined, 'the timing of kernels', () => {
  const bench = join(directory, 'bench');

  it('compiles', () => {
    const sources = ['bench.cc', 'driver.cc'].map((name) => join(native, 'cuda', name));
    const flags = ['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror'];
    const args = [...flags, ...sources, '-ldl', '-o', bench];
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
    expect(existsSync(bench)).toBe(true);
  });

  it('says what it is without: a folder of kernels, a GPU or them', () => {
    const usage = spawnSync(bench, { encoding: 'utf8' });
    expect([usage.status, usage.stderr]).toEqual([2, 'usage: bench FOLDER\n']);
    const { status, stderr } = spawnSync(bench, [directory], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Error: (CUDA's driver|loading \w+|.* has no kernels)/);
  });
});
