/** Recipes: the package's by name, or any by path. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from '../lib/did_you_mean';
import { packaged } from '../node/files/package_folder';
import { parseRecipe, RecipeError } from '../training/parse_recipe';
import type { Recipe } from '../training/recipe';
import { oneLine, UsageError } from './shared/errors';

const folder = () => packaged('recipes');

/** Names of the package's recipes. */
export function recipeNames(): string[] {
  return readdirSync(folder())
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -5))
    .sort();
}

/**
 * @param settings `key=value` changes
 * @throws UsageError if there is none with that name, or if it has faults, one line each
 */
export function readRecipe(nameOrPath: string, settings: readonly string[] = []): Recipe {
  const named = /^[a-z0-9-]+$/.test(nameOrPath);
  if (named && !recipeNames().includes(nameOrPath)) {
    throw new UsageError(
      'recipe must be one that `spikingformer recipes` lists, or the path of a .yaml file, ' +
        `but got '${nameOrPath}'${didYouMean(nameOrPath, recipeNames())}`,
    );
  }
  const path = named ? join(folder(), `${nameOrPath}.yaml`) : nameOrPath;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`the recipe cannot be read: ${oneLine(error)}`);
  }
  try {
    return parseRecipe(text, path, settings);
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    const [first, ...more] = error.message.split('\n').reverse();
    for (const line of more.reverse()) console.error(`error: ${line}`);
    throw new UsageError(first);
  }
}
