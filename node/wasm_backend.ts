/**
 * Imports the wasm backend if it is installed. At the first operation tfjs takes the registered backend with the
 * highest priority: cpu has 1, wasm 2, `tensorflow` 3. Importing this therefore selects wasm unless something faster is
 * registered. A backend that is already set stays.
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
  if (!absent) throw error; // Installed but broken: throw rather than run on a slower backend.
}
