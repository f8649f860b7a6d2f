/** Errors of the command line, and the exit status that each kind of end has. */

/** 0: done; 1: it was asked well and failed; 2: it was asked wrongly; 130: ended by Ctrl-C. */
export const exitCode = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** The command was asked wrongly. */
export class UsageError extends Error {}

/** An error in one line. */
export function oneLine(error: unknown): string {
  const message = error instanceof Object && 'message' in error ? String(error.message) : error;
  return String(message)
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}
