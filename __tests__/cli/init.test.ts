/** `spikingformer init`: a project whose script trains from what is there, as a user would run it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import '../support/backends';
import { runFile, runScript, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const cli = (...args: string[]) => runFile('cli/index.ts', args, {}, directory);
const at = (...path: string[]) => join(directory, ...path);

/** Runs the project's own script, its imports taken from the sources. */
function runTraining(project: string) {
  const { code } = transformSync(readFileSync(at(project, 'train.ts'), 'utf8'), { loader: 'ts' });
  return runScript(`process.chdir(process.argv[1]);\n${code}`, [at(project)]);
}

test.each([
  ['images', 'rings, stripes', 'data/rings/01.bmp', 'rings|stripes'],
  ['events', 'left, right', 'data/left/01.bin', 'left|right'],
])(
  '%s: the script trains, saves and answers; the command reads the model',
  (kind, classes, file, either) => {
    const project = `my-${kind}`;
    const made = cli('init', project, `--${kind}`);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(at(project)).sort()).toEqual(
      [
        '.gitignore',
        'README.md',
        'data',
        'index.html',
        'package.json',
        'recipe.yaml',
        'train.ts',
      ].sort(),
    );
    const recipe = readFileSync(at(project, 'recipe.yaml'), 'utf8');
    const short = recipe
      .replace(/^epochs: .*/m, 'epochs: 3')
      .replace(/embedDim: .*/, 'embedDim: 16')
      .replace(/numHeads: .*/, 'numHeads: 2');
    writeFileSync(at(project, 'recipe.yaml'), short);
    const { status, stdout, stderr } = runTraining(project);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(`^${classes}: 36 samples to train on, 4 to test\\nepoch 1 of 3: loss `),
    );
    expect(stdout.match(/^a sample of \S+ is taken for \S+$/gm)).toHaveLength(4);
    const asked = cli('predict', join(project, 'model'), join(project, file), '--backend', 'wasm');
    expect(asked.stdout).toMatch(new RegExp(`^${project}/${file} {2}(${either}) [\\d.]+ %$`, 'm'));
  },
);

test('its package pins what this one is tested with, and its page names what is there', () => {
  cli('init', 'pinned');
  const { name, dependencies } = JSON.parse(readFileSync(at('pinned/package.json'), 'utf8'));
  expect(name).toBe('pinned');
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  const page = readFileSync(at('pinned/index.html'), 'utf8');
  expect(page).toContain('<title>pinned</title>');
  for (const [, path] of page.matchAll(/"\.\/node_modules\/(@tensorflow\/[^"]+)"/g)) {
    expect(() => require.resolve(join(process.cwd(), 'node_modules', path!))).not.toThrow();
  }
});

test.each([
  [
    'a folder that has something',
    ['init', 'full'],
    /NAME must be a new or empty folder, but 'full' has note/,
  ],
  [
    'a file',
    ['init', 'full/note'],
    /NAME must be a new or empty folder, but 'full\/note' is a file/,
  ],
  [
    'a name that is none of a package',
    ['init', 'My Project'],
    /NAME must have small letters.*got 'My Project'/,
  ],
  [
    'both kinds',
    ['init', 'x', '--images', '--events'],
    /--images and --events must not be given together/,
  ],
])('%s is refused', (_, args, message) => {
  mkdirSync(at('full'), { recursive: true });
  writeFileSync(at('full/note'), '');
  const { status, stderr } = cli(...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
  expect(readdirSync(at('full'))).toEqual(['note']);
});
