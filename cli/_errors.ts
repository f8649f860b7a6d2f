/** Errors of the command line, and the exit status that each kind of end has. */
import { Interrupt } from './_interrupt';

/** 0: done; 1: it was asked well and failed; 2: it was asked wrongly. Ended by a signal: _interrupt.ts. */
export const exitCode = { ok: 0, failure: 1, usage: 2 } as const;

/** The command was asked wrongly. */
export class UsageError extends Error {}

/** The exit status that an error ends the command with. */
export function statusOf(error: unknown): number {
  if (error instanceof UsageError) return exitCode.usage;
  return error instanceof Interrupt ? error.status : exitCode.failure;
}

/** An error in one line. */
export function oneLine(error: unknown): string {
  const message = error instanceof Object && 'message' in error ? String(error.message) : error;
  return String(message)
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}
