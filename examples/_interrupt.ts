/** Ctrl-C as an AbortSignal, as the command has it. */
export { abortOnInterrupt } from '../cli/_interrupt';
