/**
 * Every wasm kernel of ours beside what tfjs has for it (or the composed form), interleaved:
 * `npm run bench -- wasm_kernels [--only text]`. Medians in milliseconds.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { composedKernels } from '../lib/kernels';
import { wasmKernels, wasmOverrides } from '../lib/kernels/wasm';
import '../node/wasm_backend';
import { type Case, cases } from './_wasm_cases';
import { appendCsv, type Row } from './csv';
import { measure } from './measure';

/** One call of a kernel; what it returns is freed. */
function call(
  kernelFunc: tf.KernelConfig['kernelFunc'],
  { inputs, attrs }: Pick<Case, 'inputs' | 'attrs'>,
): void {
  const backend = tf.backend();
  const result = kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap });
  for (const info of Array.isArray(result) ? result : [result]) {
    if (info instanceof tf.Tensor) info.dispose();
    else backend.disposeData(info.dataId);
  }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { only: { type: 'string', default: '' } } });
  await tf.setBackend('wasm');
  const functions = (configs: tf.KernelConfig[]) =>
    new Map(configs.map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]));
  const ours = functions([...wasmKernels(), ...wasmOverrides]);
  const stock = functions(tf.getKernelsForBackend('wasm'));
  const composed = functions(composedKernels.map((k) => ({ ...k, backendName: 'wasm' })));

  const line = (name: string, cells: string[]) =>
    console.log(`${name.padEnd(52)}${cells.map((cell) => ` ${cell.padStart(9)}`).join('')}`);
  line('', ['ours', 'other', 'ratio', 'other is']);
  const results: Row[] = [];
  for (const each of cases()) {
    const { name, kernel, rival } = each;
    if (!name.includes(values.only)) continue;
    const rivalFunc = stock.get(kernel) ?? composed.get(kernel)!;
    const candidates = {
      ours: () => call(ours.get(kernel)!, each),
      other: rival ? () => rival.run().dispose() : () => tf.tidy(() => call(rivalFunc, each)),
    };
    const [first, second] = await measure(candidates, { rounds: 1, warmup: 1 });
    const rounds = Math.max(3, Math.min(31, Math.round(1000 / (first!.median + second!.median))));
    const [mine, theirs] = await measure(candidates, { rounds, warmup: 1 });
    const whose = rival?.name ?? (stock.has(kernel) ? 'stock' : 'composed');
    const cells = {
      ours_ms: mine!.median.toFixed(3),
      other_ms: theirs!.median.toFixed(3),
      ratio: (mine!.median / theirs!.median).toFixed(3),
    };
    line(name, [...Object.values(cells), whose]);
    const date = new Date().toISOString().slice(0, 10);
    results.push({ date, what: name, ...cells, other: whose });
  }
  if (results.length === 0)
    throw new Error(`--only must be in a case's name, but got '${values.only}'`);
  appendCsv('results/wasm_kernels.csv', results);
}
