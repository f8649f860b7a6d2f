/** What a process learns of its job from the environment, and the addon that is not there. */
import { availableParallelism, cpus } from 'node:os';
import { dealDevices } from '../../../cli/_job';
import { loadMpiAddon } from '../../../node/mpi/addon';
import { jobSize } from '../../../node/mpi/job';
import { MpiRanks } from '../../../node/mpi/ranks';
import { findMpiCompiler } from '../../../node/native/mpi';

test.each<[NodeJS.ProcessEnv, number]>([
  [{}, 1],
  [{ OMPI_COMM_WORLD_SIZE: '2' }, 2],
  [{ PMI_SIZE: '8', PMI_RANK: '3' }, 8],
  [{ SLURM_NTASKS: '16', PMIX_RANK: '0' }, 16],
  [{ SLURM_NTASKS: '16', SLURM_STEP_NUM_TASKS: '4', PMI_RANK: '0' }, 4],
  [{ SLURM_NTASKS: '16' }, 1], // of a batch script, or srun of what is no MPI program
  [{ OMPI_COMM_WORLD_SIZE: 'many' }, 1],
])('%j is a job of %i', (env, size) => {
  expect(jobSize(env)).toBe(size);
});

const local = (rank: number, size: number) => ({
  OMPI_COMM_WORLD_LOCAL_RANK: `${rank}`,
  OMPI_COMM_WORLD_LOCAL_SIZE: `${size}`,
});
const isBound = availableParallelism() < cpus().length;

test.each<[NodeJS.ProcessEnv, number, string | undefined]>([
  [local(1, 2), 4, '1'],
  [local(5, 8), 4, '1'],
  [local(1, 2), 1, undefined],
  [local(1, 2), 0, undefined],
  [{ ...local(1, 2), CUDA_VISIBLE_DEVICES: '6,7' }, 8, '7'],
  [{ ...local(1, 2), CUDA_VISIBLE_DEVICES: '3' }, 8, '3'],
  [{ SLURM_LOCALID: '2' }, 4, '2'],
  [{}, 4, undefined],
])('%j, %i GPUs: device %s', (env, gpus, device) => {
  dealDevices(env, gpus);
  expect(env.CUDA_VISIBLE_DEVICES).toBe(device);
});

test('threads are dealt out as far as nobody has', () => {
  const free = local(0, 2);
  dealDevices(free, 0);
  const share = `${Math.max(1, Math.floor(cpus().length / 2))}`;
  expect((free as NodeJS.ProcessEnv).TF_NUM_INTRAOP_THREADS).toBe(isBound ? undefined : share);
  const set = { ...local(0, 2), TF_NUM_INTRAOP_THREADS: '7' };
  dealDevices(set, 0);
  expect(set.TF_NUM_INTRAOP_THREADS).toBe('7');
});

test('without the addon, or a compiler for it, the error says how to get it', async () => {
  const reason = loadMpiAddon('/nowhere/spikingformer_mpi.node');
  expect(reason).toBe('it is not built: `npx spikingformer native install --mpi` does that');
  await expect(MpiRanks.join(reason)).rejects.toThrow(
    'training on several machines needs MPI: it is not built',
  );
  const before = process.env.MPICXX;
  process.env.MPICXX = '/nowhere/mpicxx';
  expect(findMpiCompiler()).toEqual({
    reason: expect.stringMatching(/^\/nowhere\/mpicxx does not run: .*ENOENT/),
  });
  if (before === undefined) delete process.env.MPICXX;
  else process.env.MPICXX = before;
});
