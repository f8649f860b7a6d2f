/** Errors of the command line, and their exit statuses. */
import { Interrupt } from './interrupt';

/** 0: done; 1: a valid request failed; 2: a usage error. Ended by a signal: interrupt.ts. */
export const exitCode = { ok: 0, failure: 1, usage: 2 } as const;

/** A usage error. */
export class UsageError extends Error {}

/** The exit status for an error. */
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

/** Rewords what commander prints about a refused value like every other error: 'X must be Y, but got Z'. */
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
