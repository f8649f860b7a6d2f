/** `spikingformer init`: a small project of your own, which runs: data, recipe, a script that trains, a page that classifies. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { packaged } from '../node/files/package_folder';
import { sampleFiles } from './_sample_data';
import { UsageError } from './shared/errors';
import { printable } from './shared/printable';

export interface InitArguments {
  events?: boolean;
  images?: boolean;
}

/** What a project needs beside this package, in the versions that this package is tested with. */
const NEEDS = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', 'sharp', 'tsx'];

export async function init(folder: string, { events, images }: InitArguments): Promise<void> {
  if (events && images) throw new UsageError('--images and --events must not be given together');
  checkEmpty(folder);
  const kind = events ? 'events' : 'images';
  const name = packageName(folder);
  const template = (file: string) =>
    readFileSync(packaged('templates', file), 'utf8')
      .replaceAll('NAME', name)
      .replaceAll('KIND', kind === 'images' ? 'images' : 'event recordings');
  const files: [path: string, content: string | Buffer][] = [
    ['package.json', `${JSON.stringify(manifest(name), null, 2)}\n`],
    ['.gitignore', 'node_modules/\nmodel/\nrun/\n.spikingformer/\n'],
    ['recipe.yaml', recipe(name, kind)],
    ['train.ts', template('train.ts')],
    ['index.html', template(`${kind}.html`)],
    ['README.md', template('README.md')],
    ...sampleFiles(kind).map(({ path, bytes }) => [`data/${path}`, bytes] as [string, Buffer]),
  ];
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { flag: 'wx' });
  }
  const shown = printable(folder);
  console.log(
    `${shown}: a project for ${kind}, with ${files.length} files\nnow: cd ${shown} && npm install && npm run train`,
  );
}

/** @throws UsageError unless a project can be begun there */
function checkEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  try {
    const [first] = readdirSync(folder);
    if (first === undefined) return;
    throw new UsageError(`NAME must be a new or empty folder, but '${folder}' has ${first}`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`NAME must be a new or empty folder, but '${folder}' is a file`);
  }
}

/** @throws UsageError unless npm takes the folder's name for a package's */
function packageName(folder: string): string {
  const name = basename(resolve(folder));
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return name;
  throw new UsageError(
    `NAME must have small letters, digits, '-', '.' and '_', 64 at most, but got '${name}'`,
  );
}

function manifest(name: string) {
  const own = JSON.parse(readFileSync(packaged('package.json'), 'utf8'));
  const versions = NEEDS.map((need) => [need, own.devDependencies[need].replace(/^[\^~]/, '')]);
  return {
    ...{ name, version: '0.0.0', private: true, type: 'module' },
    scripts: {
      train: 'tsx train.ts',
      predict: 'spikingformer predict model',
      page: 'npx --yes http-server@14 . -p 8080 -c-1',
    },
    dependencies: { [own.name]: own.version, ...Object.fromEntries(versions) },
  };
}

/** The package's recipe for such data, under the project's name and with its folder. */
function recipe(name: string, kind: 'images' | 'events'): string {
  const text = readFileSync(packaged('recipes', `own-${kind}.yaml`), 'utf8');
  const lower = name.replaceAll(/[._]/g, '-');
  return text
    .replace(/^name: .*/m, `name: ${lower}`)
    .replace(
      /^description: >-\n {2}.*/m,
      `description: A small Spikingformer for the ${kind} of data.`,
    )
    .replace(/^( {2}name: own-.*)/m, '$1\n  folder: data');
}
