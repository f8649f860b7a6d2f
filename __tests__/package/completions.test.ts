/** The names of presets and surrogates as an editor completes them, between the quotes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { models, surrogateNames } from 'tfjs-spikingformer';
import ts from 'typescript';
import { root } from '../support/process';

const FILE = join(root, 'completions.ts');
const HEAD = "import { layers, models } from 'tfjs-spikingformer';\n";
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);

let code = HEAD;
let version = 0;
const service = ts.createLanguageService({
  getCompilationSettings: () => ({ ...options, types: [] }),
  getCurrentDirectory: () => root,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  getScriptFileNames: () => [FILE],
  getScriptVersion: (file) => (file === FILE ? String(version) : '0'),
  getScriptSnapshot: (file) =>
    ts.sys.fileExists(file) || file === FILE
      ? ts.ScriptSnapshot.fromString(file === FILE ? code : readFileSync(file, 'utf8'))
      : undefined,
  fileExists: ts.sys.fileExists,
  readFile: ts.sys.readFile,
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
});

/** What is offered between the last quotes of a line. */
function completionsOf(line: string): string[] {
  code = HEAD + line;
  version++;
  const found = service.getCompletionsAtPosition(FILE, code.lastIndexOf("'"), {});
  return (found?.entries ?? []).map(({ name }) => name).sort();
}

test.each(["models.create('')", "models.presetConfig('')"])('presets in %s', (line) => {
  expect(completionsOf(line)).toEqual(models.list().sort());
});

test.each([
  "layers.lifNode({ surrogate: '' })",
  "layers.spikingformerBlock({ numHeads: 1, surrogate: '' })",
  "models.spikingformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 8, depth: 1, surrogate: '' })",
])('surrogates in %s', (line) => {
  expect(completionsOf(line)).toEqual([...surrogateNames].sort());
});

test('names of your own are accepted too', () => {
  code = `${HEAD}models.create('my-preset');\nlayers.lifNode({ surrogate: 'mySurrogate' });`;
  version++;
  expect(service.getSemanticDiagnostics(FILE)).toEqual([]);
});
