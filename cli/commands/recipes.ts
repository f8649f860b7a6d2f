/** `spikingformer recipes`. */
import type { Command } from 'commander';

export const recipesCommand = (program: Command) =>
  program
    .command('recipes')
    .description("list the package's recipes, or print one")
    .argument('[name]', 'a recipe to print')
    .action(async (name) => (await import('../recipes')).recipes(name));
