/**
 * `npm run docs`: builds the reference as a static site in site/: the pages of docs/, the API by entry, and pages of
 * recipes and of what works on which backend, which it generates. Fails if an export lacks a docblock or a link
 * leads nowhere.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRecipe } from '../../training/parse_recipe';
import { brokenLinks } from './_check_links';
import { recipesPage } from './_recipes_page';
import { statusPage } from './_status_page';
import { writeSite } from './_typedoc';

const root = fileURLToPath(new URL('../..', import.meta.url));
const site = join(root, 'site');
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

/** Generated pages lie two folders deep, from where they link to docs/. */
function generate(name: string, text: string): string {
  const folder = join(root, '.cache/docs');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.md`);
  writeFileSync(file, text);
  return file;
}

const { exports } = JSON.parse(read('package.json'));
const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
const recipes = readdirSync(join(root, 'recipes')).map((file) =>
  parseRecipe(read('recipes', file), file),
);
/** What a newcomer reads first; other pages of docs/ follow. */
const first = ['existing_project.md', 'building.md', 'own_data.md', 'families.md'];
const others = readdirSync(join(root, 'docs')).filter(
  (file) => file.endsWith('.md') && !first.includes(file),
);

try {
  await writeSite(
    root,
    site,
    entries.map((entry) => join(root, entry, 'index.ts')),
    {
      Guide: [...first, ...others].map((file) => join(root, 'docs', file)),
      Tables: [
        generate('recipes', recipesPage(recipes)),
        generate('status', statusPage(read('FEATURES.md'))),
      ],
      Project: ['FEATURES', 'CHANGELOG', 'UPGRADING', 'BUGS', 'CONTRIBUTING'].map((name) =>
        join(root, `${name}.md`),
      ),
    },
  );
  const broken = brokenLinks(site);
  if (broken.length > 0) {
    throw new Error(`every link must lead somewhere, but these do not:\n${broken.join('\n')}`);
  }
  console.log(`the site is in ${site}`);
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}
