/**
 * The page: a model trained in Node classifies the digit that the visitor draws, on the backend of
 * the visitor's choice. `tf` and `spiking` are the page's globals, from the files in <script> tags.
 */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { chooseBackend } from 'tfjs-spikingformer'; // and it registers the model's layers
import { SIDE, toMnist } from './_digit';
import { Pad } from './_pad';

/** Fastest first; at the start the first that works here is chosen. */
const backends = ['webgpu', 'webgl', 'wasm', 'cpu'];

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const select = element<HTMLSelectElement>('backend');
const bars = Array.from({ length: 10 }, () => {
  const bar = document.createElement('li');
  bar.innerHTML = '<span class="bar"></span><span class="percent"></span>';
  element('classes').append(bar);
  return bar;
});

let model: tf.LayersModel | undefined;
/** Milliseconds of the latest images on this backend. */
let times: number[] = [];

/** One thing at a time: a drawing is not classified while the backend changes. */
let turn = Promise.resolve();
function enqueue(job: () => Promise<void>): void {
  turn = turn.then(job).catch((error: unknown) => {
    element('time').textContent = '';
    select.disabled = false; // another backend may do
    element('note').textContent = error instanceof Error ? error.message : String(error);
    console.error(error);
  });
}

/** The classes' probabilities for one image `[28, 28]`; resolves when they have been computed. */
async function predict(image: Float32Array): Promise<Float32Array> {
  const probabilities = tf.tidy(() => {
    const logits = model?.predict(tf.tensor4d(image, [1, SIDE, SIDE, 1])) as tf.Tensor;
    return tf.softmax(logits);
  });
  const values = await probabilities.data<'float32'>();
  probabilities.dispose();
  return values;
}

/** Loads the model on the first of these backends that starts, and says why not on one before. */
async function start(wanted: readonly string[]): Promise<void> {
  select.disabled = true;
  element('time').textContent = `starting ${wanted[0]}`;
  const said: string[] = [];
  const backend = await chooseBackend(wanted, {
    say: (message) => {
      said.push(message);
      element('note').textContent = message; // also later, when a GPU is lost
    },
  });
  model?.dispose();
  model = await tf.loadLayersModel('model/model.json');
  await predict(new Float32Array(SIDE * SIDE)); // compiles
  times = [];
  element('time').textContent = 'ready';
  if (said.length === 0) element('note').textContent = '';
  select.value = backend;
  select.disabled = false;
  await classify();
}

async function classify(): Promise<void> {
  const image = toMnist(pad.ink(), pad.size);
  if (!image || !model) {
    show(null);
    return;
  }
  const began = performance.now();
  const probabilities = await predict(image);
  times = [...times.slice(-8), performance.now() - began];
  show(probabilities);
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  element('time').textContent = `${median.toFixed(1)} ms an image`;
}

/** Draws the answer, or none. */
function show(probabilities: Float32Array | null): void {
  const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
  element('digit').textContent = best < 0 ? '?' : String(best);
  for (const [i, bar] of bars.entries()) {
    const p = probabilities?.[i] ?? 0;
    bar.className = i === best ? 'best' : '';
    bar.style.setProperty('--p', String(p));
    (bar.lastElementChild as HTMLElement).textContent = probabilities
      ? `${(100 * p).toFixed(0)} %`
      : '';
  }
}

let stale = false;
const pad = new Pad(element<HTMLCanvasElement>('pad'), () => {
  if (stale) return; // one classification for all strokes since the last
  stale = true;
  enqueue(async () => {
    await tf.nextFrame();
    stale = false;
    await classify();
  });
});

for (const backend of backends) select.add(new Option(backend));
select.addEventListener('change', () => {
  // What was asked for, else what always works.
  enqueue(() => start([...new Set([select.value, 'wasm', 'cpu'])]));
});
element('clear').addEventListener('click', () => pad.clear());
setWasmPaths('./');
enqueue(() => start(backends));
