/** Replacing tfjs-node's folders: whole or not at all, also when the process is killed in between. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { isBuilt, putInPlace, RECORD, recover, removeBuilt } from '../../../node/native/swap';
import { temporaryDirectory } from '../../support/process';
import { writeFiles } from './_fakes';

const directory = temporaryDirectory();
let count = 0;
const newFolder = () => {
  const folder = join(directory, String(count++));
  mkdirSync(folder);
  return folder;
};

/** Every file below, by its path, with its text. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')])
      .sort(),
  );
}

const own = { 'package.json': '{}' };
const originals: Record<string, Record<string, string>> = {
  'that was never built': own,
  'with its own TensorFlow': { ...own, 'deps/lib/own.so': 'own', 'lib/napi-v8/own.node': 'own' },
  'with half of it': { ...own, 'deps/lib/own.so': 'own' },
};
const built = (label: string) =>
  writeFiles(newFolder(), { [RECORD]: label, 'lib/napi-v8/binding.node': label });

describe.each(Object.entries(originals))('a tfjs-node %s', (_, files) => {
  let folder: string;
  beforeEach(() => {
    folder = writeFiles(newFolder(), files);
  });

  test('is replaced, replaced again, and put back as it was', () => {
    expect(putInPlace(built('first'), folder, () => 42)).toBe(42);
    expect(contents(folder)).toMatchObject({ [RECORD]: 'first' });
    expect(existsSync(join(folder, 'deps/lib/own.so'))).toBe(false);
    putInPlace(built('second'), folder, () => undefined);
    expect(readFileSync(join(folder, RECORD), 'utf8')).toBe('second');
    expect(removeBuilt(folder)).toBe(true);
    expect(contents(folder)).toEqual(files);
    expect(removeBuilt(folder)).toBe(false);
    expect(contents(folder)).toEqual(files);
  });

  test('stays as it was where the check fails, and so does what was built before', () => {
    const fail = () => {
      throw new Error('it does not compute');
    };
    expect(() => putInPlace(built('bad'), folder, fail)).toThrow('it does not compute');
    expect(contents(folder)).toEqual(files);
    putInPlace(built('good'), folder, () => undefined);
    const good = contents(folder);
    expect(() => putInPlace(built('bad'), folder, fail)).toThrow('it does not compute');
    expect(contents(folder)).toEqual(good);
  });

  test('is as it was after a process was killed at any point of the replacement', () => {
    // The states of the folder on the way: copies of it, made where the process may die.
    const states: string[] = [];
    const snapshot = () => {
      const copy = newFolder();
      cpSync(folder, copy, { recursive: true });
      states.push(copy);
    };
    putInPlace(built('new'), folder, snapshot);
    const [complete] = states as [string];
    const step = (from: string, change: (folder: string) => void) => {
      const copy = newFolder();
      cpSync(from, copy, { recursive: true });
      change(copy);
      states.push(copy);
    };
    step(complete, (copy) => rmSync(join(copy, 'lib'), { recursive: true }));
    step(complete, (copy) => {
      rmSync(join(copy, 'lib'), { recursive: true });
      rmSync(join(copy, 'deps'), { recursive: true });
    });
    step(complete, (copy) => {
      const [moved, home] = ['.spikingformer-previous/lib', 'lib'].map((name) => join(copy, name));
      rmSync(home!, { recursive: true });
      rmSync(join(copy, 'deps'), { recursive: true });
      if (existsSync(moved!)) renameSync(moved!, home!);
    });
    for (const state of states) {
      expect(recover(state)).toBe(true);
      expect(contents(state)).toEqual(files);
      expect(recover(state)).toBe(false);
    }
  });

  test('that was being set aside, before the list was whole, keeps its parts', () => {
    writeFiles(folder, { '.spikingformer-previous/parts.json': '["de' });
    expect(recover(folder)).toBe(true);
    expect(contents(folder)).toEqual(files);
    expect(isBuilt(folder)).toBe(false);
  });
});
