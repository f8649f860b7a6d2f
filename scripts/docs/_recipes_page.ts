/** The page of recipes: each with its network, data set, parameters and published accuracy, from recipes/*.yaml. */
import type { Recipe } from '../../training/recipe';
import { writeTable } from './_tables';

/** The order and the names of data sets on the page; a data set that is missing here comes last, under its own name. */
const TITLES: Readonly<Record<string, string>> = {
  cifar10: 'CIFAR-10',
  cifar100: 'CIFAR-100',
  imagenet: 'ImageNet-1k',
  cifar10dvs: 'CIFAR10-DVS',
  dvs128gesture: 'DVS128 Gesture',
  mnist: 'MNIST',
  nmnist: 'N-MNIST',
  ratedsentences: 'Rated sentences',
  'own-images': 'Your own images',
  'own-events': 'Your own recordings',
};

/** A preset, or what a recipe makes of its family. */
function networkOf({ preset, family = 'spikingformer', depth, embedDim }: Recipe['model']): string {
  return preset ? `\`${preset}\`` : `${family}, depth ${depth}, ${embedDim} channels`;
}

function rowOf({ name, model, epochs, schedule, effectiveBatch, expected }: Recipe): string[] {
  const cooldown = schedule?.cooldownEpochs ? ` + ${schedule.cooldownEpochs}` : '';
  return [
    `\`${name}\``,
    networkOf(model),
    `${model.timeSteps ?? 4}`,
    `${epochs}${cooldown}`,
    `${effectiveBatch}`,
    expected?.parameters.toLocaleString('en-US') ?? '',
    expected?.published === undefined ? '' : `${expected.published.toFixed(2)} %`,
  ];
}

/**
 * The page's Markdown.
 *
 * @param recipes any recipes, such as all of the package
 */
export function recipesPage(recipes: readonly Recipe[]): string {
  const known = Object.keys(TITLES);
  const names = [...new Set(recipes.map(({ data }) => data.name as string))];
  const place = (name: string) => (known.includes(name) ? known.indexOf(name) : known.length);
  const heading = ['recipe', 'network', 'time steps', 'epochs', 'batch', 'parameters', 'published'];
  const sections = names
    .sort((a, b) => place(a) - place(b))
    .map((name) => {
      const rows = recipes.filter(({ data }) => data.name === name).map(rowOf);
      return `## ${TITLES[name] ?? name}\n\n${writeTable(heading, rows)}\n`;
    });
  return `# Recipes

\`npx spikingformer train --recipe NAME\` trains one, and \`npx spikingformer recipes NAME\` prints it. Published is the top-1 accuracy that its authors report; we have not trained these networks to the end. The batch is the effective one, over all steps that are accumulated. What each family is: [families of networks](../../docs/families.md).

${sections.join('\n')}`;
}
