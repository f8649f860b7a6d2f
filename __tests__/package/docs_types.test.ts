/** README.md and docs/: their ```ts blocks compile, each by itself, against the package's own types. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../support/process';

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** A block, after a comment that declares what it takes from its reader. */
const BLOCK = /(?:<!-- given:([\s\S]*?)-->\s*)?^```ts\n([\s\S]*?)^```/gm;
const ALWAYS = {
  tf: "import * as tf from '@tensorflow/tfjs';",
  spiking: "import * as spiking from 'tfjs-spikingformer';",
};

/** A module with the block, and what the page imports elsewhere. */
function moduleOf(given: string, code: string): string {
  const imports = Object.entries(ALWAYS)
    .filter(([name]) => !code.includes(`import * as ${name} `))
    .map(([, line]) => line);
  return [...imports, given, code, 'export {};'].join('\n');
}

function modulesOf(page: string): [string, string][] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(BLOCK)].map(([, given = '', code], i) => [
    join(root, `${page}.${i + 1}.ts`),
    moduleOf(given, code!),
  ]);
}

/** What TypeScript has against modules that exist only here. */
function faultsOf(modules: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const unused = { noUnusedLocals: false, noUnusedParameters: false };
  const compilerOptions = { ...options, ...unused, types: ['node'] };
  const host = ts.createCompilerHost(compilerOptions);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => modules.has(file) || fileExists(file);
  host.readFile = (file) => modules.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = modules.get(file);
    return text === undefined
      ? getSourceFile(file, version, ...rest)
      : ts.createSourceFile(file, text, version);
  };
  const program = ts.createProgram([...modules.keys()], compilerOptions, host);
  return [...modules.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)!;
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ start = 0, messageText }) => {
      const line = source.text.slice(0, start).split('\n').length - 1;
      return `${file.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}: ${source.text.split('\n')[line]}`;
    });
  });
}

const modules = new Map(pages.flatMap(modulesOf));

test('pages show TypeScript', () => {
  expect([...modules.keys()]).toEqual(
    expect.arrayContaining([join(root, 'README.md.1.ts'), join(root, 'docs/reference.md.1.ts')]),
  );
});

test('every block compiles', () => {
  expect(faultsOf(modules)).toEqual([]);
});

test('a block with a wrong option does not', () => {
  const wrong = join(root, 'docs/wrong.md.1.ts');
  const code = moduleOf('', 'spiking.layers.lifNode({ tua: 2 });');
  expect(faultsOf(new Map([[wrong, code]]))).toEqual([
    expect.stringMatching(/^docs\/wrong\.md\.1\.ts: .*'tua' does not exist.*: spiking\.layers/),
  ]);
});
