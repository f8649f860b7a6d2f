/** `spikingformer recipes`: lists the recipes, or prints one as YAML. */
import { stringify } from 'yaml';
import { beside, COLUMNS } from './_columns';
import { readRecipe, recipeNames } from './_recipes';

export function recipes(name?: string): void {
  if (name !== undefined) {
    process.stdout.write(stringify(readRecipe(name), { lineWidth: COLUMNS }));
    return;
  }
  const width = Math.max(...recipeNames().map(({ length }) => length));
  for (const each of recipeNames()) {
    const { description, expected } = readRecipe(each);
    const published =
      expected?.published === undefined ? '' : ` The paper has ${expected.published} %.`;
    console.log(beside(each, width, `${description.trim()}${published}`));
  }
}
