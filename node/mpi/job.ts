/** Whether an MPI launcher started this process as one of several, by its environment. */

/** What launchers set: Open MPI's mpirun, MPICH's and Intel's, Slurm's srun with PMI-2 or PMIx. */
const SIZES = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE'] as const;

/**
 * The number of processes in the job; 1 without a launcher. srun also starts programs unrelated to MPI in this way, so
 * its number of tasks counts only if one of PMI's variables is set too.
 */
export function jobSize(env: NodeJS.ProcessEnv = process.env): number {
  const own = SIZES.map((name) => Number(env[name])).find((size) => size > 0);
  if (own !== undefined) return own;
  const underPmi = env.PMI_RANK !== undefined || env.PMIX_RANK !== undefined;
  const tasks = Number(env.SLURM_STEP_NUM_TASKS ?? env.SLURM_NTASKS);
  return underPmi && tasks > 0 ? tasks : 1;
}
