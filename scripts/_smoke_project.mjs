/** The project of a new user, in a temporary folder, with the packed package installed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { pack, root, run } from './_pack.mjs';

export const project = mkdtempSync(join(tmpdir(), 'spikingformer-smoke-'));
export const remove = () => rmSync(project, { recursive: true, force: true });

export function write(name, content) {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  mkdirSync(dirname(join(project, name)), { recursive: true });
  writeFileSync(join(project, name), text);
}

/** Runs Node in the project, or in a folder of it. */
export const node = (args, folder = '.') =>
  run(process.execPath, args, { cwd: join(project, folder) });

/** What the user has installed, in the versions that this repository tests with, and what runs TypeScript. */
export function install() {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = [
    '@tensorflow/tfjs',
    '@tensorflow/tfjs-backend-wasm',
    '@types/node',
    'typescript',
    'tsx',
  ];
  const specs = [...wanted.map((name) => `${name}@${devDependencies[name]}`), 'ts-node@~10.9'];
  write('package.json', { name: 'smoke', private: true, type: 'module' });
  run('npm', ['install', '--no-audit', '--no-fund', pack(project), ...specs], { cwd: project });
}

/** The first fenced block of the README in a language that runs. */
export function readmeExample() {
  const block = /^```(?:ts|js|typescript|javascript)\n([\s\S]*?)^```/m.exec(
    readFileSync(join(root, 'README.md'), 'utf8'),
  );
  if (!block) throw new Error('README.md must have an example in a ```ts block, but has none');
  return block[1];
}

/** TypeScript as JavaScript, with imports or, for CommonJS, with require. */
export function javascript(code, { commonJs = false } = {}) {
  const module = commonJs ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext;
  const compilerOptions = { module, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
