import type { SharedAnswers } from './client.cjs';

/** Returns what takes the client's messages. */
export function serve(gpu: unknown, memory: SharedAnswers): (commands: unknown[]) => Promise<void>;
