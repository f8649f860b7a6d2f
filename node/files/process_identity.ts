/** Identifies a process beyond its number, which may be reused. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hashOf } from './hash';

/** Suitable for file names: number, start, and machine, none with a dash. */
export type ProcessIdentity = `${number}-${string}-${string}`;

/** The pattern of an identity in a file name. */
export const IDENTITY = '\\d+-[0-9a-z]+-[0-9a-f]{8}';

/** The start of a process in clock ticks since boot, as /proc has it; '0' if the system has none. */
function startOf(pid: number | 'self'): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name, in parentheses, may hold spaces: the 20th field after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}

/**
 * Identifies the scope of process numbers: this boot of this kernel, this container. Hosts that share a disk differ,
 * and so do containers of one host, and a host before and after a power cut.
 */
function machine(): string {
  const parts = [hostname()];
  for (const read of [
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'),
    () => readlinkSync('/proc/self/ns/pid'),
  ]) {
    try {
      parts.push(read());
    } catch {
      // Without Linux, the host's name must do.
    }
  }
  return hashOf([parts.join('\0')]).slice(0, 8);
}

let own: ProcessIdentity | undefined;

export function processIdentity(): ProcessIdentity {
  own ??= `${process.pid}-${startOf('self')}-${machine()}`;
  return own;
}

/** Whether a process still exists: 'unknown' if it is on another machine, or if another process may have its number. */
export function stateOfProcess(identity: string): 'alive' | 'gone' | 'unknown' {
  if (identity === processIdentity()) return 'alive';
  const [pid, start, where] = identity.split('-') as [string, string, string];
  if (where !== processIdentity().split('-')[2]) return 'unknown';
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  const now = startOf(Number(pid));
  if (start === '0' || now === '0') return 'unknown';
  return now === start ? 'alive' : 'gone';
}
