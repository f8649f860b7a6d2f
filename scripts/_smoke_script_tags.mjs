/** What the files for script tags make of themselves: each family's has its presets and its networks. */
import { node, write } from './_smoke_project.mjs';

const CODE = `
const { readdirSync, readFileSync } = require('node:fs');
const vm = require('node:vm');
globalThis.tf = require('@tensorflow/tfjs');
const dist = 'node_modules/tfjs-spikingformer/dist/';
const load = (file) => vm.runInThisContext(readFileSync(dist + file, 'utf8') + '; spiking');

const { models } = load('spikingformer.min.js');
const left = new Set(models.list());
const sizeOf = ({ create, countParameters }, preset) => countParameters(create(preset)).parameters;
for (const file of readdirSync(dist + 'families')) {
  const family = load('families/' + file).models;
  const presets = family.list();
  if (presets.length === 0) throw new Error(file + ' has no preset');
  for (const preset of presets) {
    if (!left.delete(preset)) throw new Error(file + ' has ' + preset + ' of another family');
  }
  const [first] = presets;
  const [size, expected] = [family, models].map((all) => sizeOf(all, first));
  if (size !== expected) throw new Error(first + ' has ' + size + ' parameters in ' + file);
  console.log(file, presets.length, 'presets', size, 'parameters');
}
if (left.size > 0) throw new Error('no file of a family has ' + [...left].join(', '));
`;

export const scriptTagSteps = {
  "each family's file for a script tag has its networks": () => {
    write('script_tags.cjs', CODE);
    return node(['script_tags.cjs']);
  },
};
