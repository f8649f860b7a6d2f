/** A folder that only one process may build in. */
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes the folder; one that a killed process left is taken over. Returns what removes it. */
export async function lock(staging: string): Promise<() => Promise<void>> {
  const owner = join(staging, 'process');
  const made = await fs.mkdir(staging).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw new Error(`cannot build in ${dirname(staging)}: ${error.message}`);
    },
  );
  if (!made) {
    const pid = Number(await fs.readFile(owner, 'utf8').catch(() => Number.NaN));
    if (isAlive(pid)) throw new Error(`process ${pid} is building in ${staging}: wait for it`);
    await fs.rm(staging, { recursive: true, force: true });
    await fs.mkdir(staging);
  }
  await fs.writeFile(owner, String(process.pid));
  return () => fs.rm(staging, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  // 0 is a file that its process was killed before writing, and to kill() our own group.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
