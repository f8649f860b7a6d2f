/** `spikingformer init`. */
import type { Command } from 'commander';

export const initCommand = (program: Command) =>
  program
    .command('init')
    .description('make a small project that trains on your own data and classifies in a page')
    .argument('<name>', 'a new or empty folder')
    .option('--images', 'for images (the default)')
    .option('--events', 'for recordings of an event camera')
    .addHelpText(
      'after',
      `
The folder gets package.json, recipe.yaml, train.ts, index.html, README.md and
data/ with computed samples of two classes, to be replaced by your own.

Example:
  spikingformer init flowers
  cd flowers && npm install && npm run train`,
    )
    .action(async (name, options) => (await import('../init')).init(name, options));
