/** Builds the addon for the system's MPI, with MPI's compiler command, and tests it with a sum. */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from '../files/lock';
import { MPI_FILE, MPI_INTERFACE, mpiFolder } from '../mpi/addon';
import { nodeHeaders } from './build';
import { minutes, run, runAsync, seconds } from './process';

const COMMANDS = ['mpicxx', 'mpic++', 'mpiCC'];

/** MPI's compiler command: $MPICXX, or the first of the usual names that runs; or the reason why there is none. */
export function findMpiCompiler(): string | { reason: string } {
  const names = process.env.MPICXX ? [process.env.MPICXX] : COMMANDS;
  const reasons = names.map((name) => {
    const { status, stderr } = run(name, ['--version'], seconds(30));
    return status === 0
      ? name
      : { reason: `${name} does not run: ${stderr.trim().split('\n', 1)[0]}` };
  });
  const found = reasons.find((each) => typeof each === 'string');
  return found ?? { reason: reasons.map((each) => (each as { reason: string }).reason).join(', ') };
}

/** In a separate process without a launcher: a broken MPI may end its process. */
const PROOF = `
const mpi = require(process.argv[1]);
mpi.init().then(async ({ library }) => {
  const array = Float32Array.of(1, 2);
  await mpi.sum(array);
  if (array.join() !== '1,2') throw new Error('a sum is wrong');
  await mpi.finalize();
  console.log(library);
});`;

/**
 * The MPI library that the addon at that path works with.
 *
 * @throws if it does not work
 */
function prove(path: string): string {
  const { status, stdout, stderr } = run(process.execPath, ['-e', PROOF, path], minutes(2));
  if (status !== 0) throw new Error(`the MPI addon does not work:\n${stderr.trim().slice(-2000)}`);
  return stdout.split(/[,\n]/, 1)[0]!.trim();
}

/**
 * Builds it in the package's folder: all of it, or nothing. Returns the library's name and version.
 *
 * @throws Error that names what is missing or what failed
 */
export async function installMpi(log: (line: string) => void = () => undefined): Promise<string> {
  const compiler = findMpiCompiler();
  if (typeof compiler !== 'string') {
    throw new Error(
      `MPI's compiler command is missing: ${compiler.reason}; Debian and Ubuntu have it in libopenmpi-dev, ` +
        'clusters in a module; $MPICXX names another',
    );
  }
  const folder = mpiFolder();
  const staging = join(folder, '.build');
  const held = await lock(staging, { doing: 'native install --mpi' });
  try {
    log(`building the MPI addon with ${compiler}`);
    const made = join(staging, MPI_FILE);
    const flags = ['-std=c++17', '-O2', '-fPIC', '-fvisibility=hidden', '-shared', '-pthread'];
    const defines = ['-DNAPI_VERSION=8', `-DSPIKINGFORMER_MPI_INTERFACE=${MPI_INTERFACE}`];
    const headers = ['-isystem', await nodeHeaders(staging)];
    const files = [join(folder, 'addon.cc'), join(folder, 'messenger.cc'), '-o', made];
    const args = [...flags, ...defines, ...headers, ...files];
    await runAsync(compiler, args, 'compiling the MPI addon', minutes(10));
    if (!existsSync(made)) throw new Error(`${compiler} has not written ${made}`);
    log('testing it with a sum');
    const library = prove(made);
    await fs.rename(made, join(folder, MPI_FILE));
    return library;
  } finally {
    held.release();
  }
}
