/**
 * Imports the wasm backend where it is installed. tfjs takes the registered backend of the highest
 * priority at the first operation: cpu has 1, wasm 2, `tensorflow` 3, so that importing it makes it
 * the backend unless something faster is there. A backend that is already set stays.
 */
import { createRequire } from 'node:module';
import './_quiet_emscripten';

const WASM = '@tensorflow/tfjs-backend-wasm';
const load = createRequire(import.meta.url);

try {
  load(WASM);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  const absent = code === 'MODULE_NOT_FOUND' && message.includes(`'${WASM}'`);
  if (!absent) throw error; // installed, but broken: say so rather than run on a slower backend
}
