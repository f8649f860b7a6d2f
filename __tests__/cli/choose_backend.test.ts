/** Which backend a command takes, and what it prints of that: with tfjs-nodes that work, lack ops, or are broken. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  fastest,
  reasonAgainst,
  reasonFor,
  warningOf,
  withoutNative,
} from '../../cli/shared/choose_backend';
import type { NativeBackend } from '../../cli/shared/packages';
import { fileHandler } from '../../node/runs/file_handler';
import '../support/backends';
import { makeProject, makePython, writeFiles } from '../node/native/_fakes';
import { nodeArgs, root, runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const node: NativeBackend = {
  name: '@tensorflow/tfjs-node',
  version: '4.22.0',
  path: '/node',
  loads: true,
  gpu: false,
};
const gpu = { ...node, name: '@tensorflow/tfjs-node-gpu' };
const noOps = 'they are not built';
const broken = { ...node, loads: false, reason: 'Error: no binding' };

/** For doctor, which waits 20 seconds for the first: the tests before the last one, in the meantime. */
const hanging = makePython(join(directory, 'hanging'), 'exec /bin/sleep 600');
const noisy = makePython(
  join(directory, 'noisy'),
  'echo this is a shim; [ "$1" = -m ] && echo pip 24.0 from /x "(python 3.12)"; exit 0',
);
let doctor: Promise<{ stdout: string }>;
beforeAll(() => {
  const PATH = [hanging, noisy].map((path) => path.replace(/\/python3$/, '')).join(':');
  const args = [...nodeArgs('cli/index.ts'), 'doctor', '--json'];
  const env = { ...process.env, PATH, CXX: 'sleep' };
  doctor = promisify(execFile)(process.execPath, args, { cwd: root, env });
});

test('a GPU comes before the native ops, these before none, and any of them before wasm', () => {
  const withGpu = { ...gpu, gpu: true, noOps: 'for CPUs' };
  const without = { ...gpu, noOps };
  expect(fastest([{ ...node }, withGpu])).toBe(withGpu);
  expect(fastest([without, node])).toBe(node);
  expect(fastest([broken, without])).toBe(without);
  expect(fastest([broken])).toBeUndefined();
  expect(fastest([])).toBeUndefined();
});

test('the reason names what is there', () => {
  expect(reasonFor(node)).toBe('tfjs-node with the native ops is installed');
  expect(reasonFor({ ...node, noOps })).toBe(
    'tfjs-node is installed, without the native ops: they are not built',
  );
  expect(reasonFor({ ...gpu, gpu: true, noOps: 'for CPUs' })).toBe(
    'tfjs-node-gpu is installed, and TensorFlow finds a GPU',
  );
  expect(reasonAgainst([])).toBe('tfjs-node, which is faster, is not installed');
  expect(reasonAgainst([broken])).toBe('tfjs-node, which is faster, does not load');
  expect(warningOf(broken)).toMatch(
    /^@tensorflow\/tfjs-node 4\.22\.0 does not load: Error: no binding; .*native install` builds it/,
  );
});

test('without tfjs-node it is wasm, and without that cpu: the reason names what would be faster', () => {
  expect(withoutNative([])).toEqual({ backend: 'wasm', reason: reasonAgainst([]) });
  const factory = tf.findBackendFactory('wasm')!;
  tf.removeBackend('wasm');
  const { backend, reason } = withoutNative([]);
  tf.registerBackend('wasm', factory);
  expect(backend).toBe('cpu');
  expect(reason).toBe('@tensorflow/tfjs-backend-wasm, which is faster, is not installed');
});

/** tfjs-node as far as the commands use it, computing on plain JavaScript. */
const WORKING = `
const tf = require(${JSON.stringify(join(root, 'node_modules/@tensorflow/tfjs'))});
const { MathBackendCPU } = require(${JSON.stringify(join(root, 'node_modules/@tensorflow/tfjs-backend-cpu'))});
class Fake extends MathBackendCPU {
  binding = { TF_Version: '2.0.0' };
  isUsingGpuDevice = false;
  firstUse = false; // its banner
}
tf.registerBackend('tensorflow', () => new Fake(), 3);
tf.copyRegisteredKernels('cpu', 'tensorflow');
module.exports = tf;`;

/** A project whose tfjs-node is that. */
function project(name: string, code: string): string {
  const folder = makeProject(join(directory, name));
  writeFiles(join(folder, 'node_modules/@tensorflow/tfjs-node'), { 'index.js': code });
  return folder;
}

const model = join(directory, 'model');

beforeAll(async () => {
  await tf.setBackend('cpu');
  const { layers } = spiking;
  const network = tf.sequential({
    layers: [
      layers.cmlDownsample({ filters: 2, timeSteps: 2, inputShape: [8, 8, 1] }),
      layers.rateReadout(),
    ],
  });
  await network.save(fileHandler(model));
  network.dispose();
});

/** `energy` computes on a backend, and is quick. */
const energy = (cwd: string, ...args: string[]) =>
  runFile('cli/index.ts', ['energy', model, '--samples', '1', ...args], {}, cwd);

test('tfjs-node that works is taken; --backend takes another, in silence', () => {
  const cwd = project('working', WORKING);
  const { status, stdout, stderr } = energy(cwd);
  expect(stdout.split('\n')[0]).toBe(
    'tensorflow: tfjs-node is installed, without the native ops: ' +
      '`spikingformer native install` builds an op for them; --backend wasm chooses another',
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const other = energy(cwd, '--backend', 'wasm');
  expect(other.stdout).not.toMatch(/tensorflow|tfjs-node|wasm/);
  expect(other).toMatchObject({ status: 0, stderr: '' });
  expect(energy(cwd, '--backend', 'tensorflow').status).toBe(0);
});

test.each([
  ['throws', 'throw new Error("no binding for this Node")', /Error: no binding for this Node/],
  ['ends its process', 'process.kill(process.pid, "SIGSEGV")', /ended before it could report why/],
  ['is something else', 'module.exports = {}', /TypeError: /],
])('tfjs-node that %s: wasm, and why', (name, code, reason) => {
  const cwd = project(name, code);
  const { status, stdout, stderr } = energy(cwd);
  expect(stdout.split('\n')[0]).toBe('wasm: tfjs-node, which is faster, does not load');
  expect(stderr).toMatch(/^warning: @tensorflow\/tfjs-node 4\.22\.0 does not load: [^\n]*\n$/);
  expect(stderr).toMatch(reason);
  expect(status).toBe(0);
});

test('doctor reports the same, and fails; --json of a command stays JSON', () => {
  const cwd = project('broken', 'throw new Error("no binding")');
  const { status, stdout } = runFile('cli/index.ts', ['doctor'], {}, cwd);
  expect(stdout).toMatch(/^commands use +wasm: tfjs-node, which is faster, does not load$/m);
  expect(stdout).toMatch(/- @tensorflow\/tfjs-node 4\.22\.0 does not load: Error: no binding/);
  expect(status).toBe(1);
  const json = energy(cwd, '--json');
  expect(JSON.parse(json.stdout)).toHaveProperty('model');
  expect(json.stderr).toMatch(/^warning: .*no binding/);
});

test('asked for and not here: an error that says so', () => {
  const asked = energy(root, '--backend', 'tensorflow');
  expect(asked.stderr).toBe(
    'error: backend tensorflow needs @tensorflow/tfjs-node: it is not installed\n',
  );
  expect(energy(root, '--backend', 'webgl').stderr).toMatch(/wasm, cpu, tensorflow/);
});

test('doctor names a Python that hangs, and ends', async () => {
  const { stdout } = await doctor; // its status is 0, or this would throw
  const { nativeTools, problems } = JSON.parse(stdout);
  expect(nativeTools).toMatchObject({
    compiler: expect.stringMatching(/^none: sleep does not run: /),
    pip: `24.0 of ${noisy}`,
    passedOver: [
      `${hanging} does not run: ${hanging} -c ... did not end within 20 s and was killed`,
    ],
  });
  expect(problems).toEqual([]);
});
