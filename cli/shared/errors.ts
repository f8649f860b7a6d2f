/** Errors of the command line, and the exit status that each kind of end has. */
import { Interrupt } from './interrupt';

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

/** What commander prints of a refused value, worded as every other error: 'X must be Y, but got Z'. */
export function inOurWords(text: string): string {
  return oneLine(text)
    .replace(
      /option '(--[\w-]+)[^']*' argument '(.*)' is invalid\. (?:It must be (.*)|Allowed choices are (.*))\.$/,
      (_, flag, value, range, choices) =>
        `${flag} must be ${range ?? `one of ${choices}`}, but got '${value}'`,
    )
    .replace(
      /option '(--[\w-]+)[^']*' cannot be used with option '(--[\w-]+)[^']*'$/,
      '$1 and $2 must not be given together',
    );
}
