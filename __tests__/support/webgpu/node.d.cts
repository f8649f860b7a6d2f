export function startWebGPU(): {
  globals: Record<string, unknown>;
  /** The worker's exit status. */
  stop(): Promise<number>;
};
