// jest runs tests in another realm, whose typed arrays native backends reject (tfjs#7175,
// jest#11864): this environment hands the tests the real ones, and WebAssembly with them, so that
// the buffer of a wasm memory is an ArrayBuffer to the tests too; and a way to import ES modules, which
// jest has only behind a flag of Node's. Where webgpu is among the backends
// asked for, it also gives them WebGPU, which Node lacks.
const { TestEnvironment } = require('jest-environment-node');

const SHARED = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'WebAssembly',
];

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of SHARED) this.global[name] = globalThis[name];
    this.global.importModule = (name) => import(name);
  }

  async setup() {
    await super.setup();
    if (!process.env.SPIKINGFORMER_TEST_BACKENDS?.split(',').includes('webgpu')) return;
    const { startWebGPU } = require('./webgpu/node.cjs');
    const { globals, stop } = startWebGPU();
    this.stopWebGPU = stop;
    for (const [name, value] of Object.entries(globals)) {
      Object.defineProperty(this.global, name, { value, configurable: true, writable: true });
    }
  }

  async teardown() {
    await this.stopWebGPU?.();
    await super.teardown();
  }
};
