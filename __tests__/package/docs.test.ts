/** The pages in docs/: code that imports what it needs runs, top to bottom, and what they link to is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecipe } from '../../training/parse_recipe';
import { root, runScript } from '../support/process';

const folder = join(root, 'docs');
const pages = readdirSync(folder).filter((file) => file.endsWith('.md'));
const textOf = (page: string) => readFileSync(join(folder, page), 'utf8');
const codeOf = (page: string) =>
  [...textOf(page).matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code]) => code).join('\n');

test('there are pages', () => {
  expect(pages).toEqual(expect.arrayContaining(['building.md', 'gradient_study.md']));
});

const complete = pages.filter((page) => codeOf(page).startsWith('import '));
test.each(complete)('the code of %s runs', (page) => {
  const { status, stderr, stdout } = runScript(codeOf(page));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  if (page === 'building.md') {
    expect(stdout).toContain("fresh [ 'head/kernel', 'head/bias' ]");
    expect(stdout).toContain('observed 3'); // two stages and the neuron of the page's own
  }
});

test.each(pages)('the links and pictures of %s are there', (page) => {
  for (const [, target] of textOf(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
    expect({ target, exists: existsSync(join(folder, target!)) }).toEqual({ target, exists: true });
  }
});

test("families.md has the recipes' parameters and published accuracies, of every recipe of a preset", () => {
  const rows = [
    ...textOf('families.md').matchAll(/^\| `(\S+)` \| `(\S+)` \| ([\d,]+) \| (.*?) ?\|$/gm),
  ];
  const found = rows.map(([, preset, recipe, parameters, published]) => ({
    ...{ preset, recipe },
    parameters: Number(parameters!.replaceAll(',', '')),
    published: published === '' ? undefined : Number(published),
  }));
  const recipes = readdirSync(join(root, 'recipes')).map((file) =>
    parseRecipe(readFileSync(join(root, 'recipes', file), 'utf8'), file),
  );
  const expected = recipes
    .filter(({ model }) => model.preset !== undefined)
    .map(({ name, model, expected }) => ({
      ...{ preset: model.preset, recipe: name },
      parameters: expected!.parameters,
      published: expected!.published,
    }));
  const byName = (a: { recipe?: string }, b: { recipe?: string }) =>
    a.recipe!.localeCompare(b.recipe!);
  expect(found.sort(byName)).toEqual(expected.sort(byName));
});
