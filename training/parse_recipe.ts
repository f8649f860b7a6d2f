/** Reads a recipe's YAML and reports every fault with its line. */
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { didYouMeanKey } from './_recipe_keys';
import { type Recipe, recipeSchema } from './recipe';

/** Far longer than any recipe: a longer file is something else. */
const MAX_LENGTH = 65_536;
/** Aliases of aliases can exhaust memory. */
const MAX_ALIASES = 20;

/** The most faults that an error lists. */
const SHOWN_FAULTS = 20;

/** Every message is one line: file, line, fault. */
export class RecipeError extends Error {
  override name = 'RecipeError';
}

type Path = readonly PropertyKey[];

/**
 * @param text the YAML
 * @param file its name, for messages
 * @param settings changes such as `optimizer.learningRate=1e-3`, values as in YAML
 * @throws RecipeError with a line for each fault
 */
export function parseRecipe(text: string, file: string, settings: readonly string[] = []): Recipe {
  if (text.length > MAX_LENGTH) {
    throw new RecipeError(
      `${file}: must have at most ${MAX_LENGTH} characters, but has ${text.length}`,
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset?: number) =>
    offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    throw faultsError(document.errors.map((e) => `${at(e.pos[0])}: ${e.message}`));
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new RecipeError(`${file}: ${(error as Error).message}`);
  }
  if (!isObject(value))
    throw new RecipeError(`${file}: must be a map of options, such as 'seed: 42'`);
  const set = applySettings(value, settings);
  const schema = recipeSchema(value);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key, i) => {
      const path = key === undefined ? issue.path : [...issue.path, key];
      const dotted = path.join('.');
      const isSet = set.has(dotted) || (under(dotted, set) && !document.hasIn(path));
      const where = isSet ? '--set' : at(offsetOf(document, path));
      const what =
        key === undefined
          ? plain(issue.message)
          : `is not an option${i < SHOWN_FAULTS ? didYouMeanKey(dotted, schema) : ''}`;
      return `${where}: ${dotted || 'the recipe'} ${what}`;
    });
  });
  throw faultsError([...new Set(faults)]);
}

/** Whether a setting changed something below that path. */
const under = (path: string, set: ReadonlySet<string>) =>
  [...set].some((key) => key.startsWith(`${path}.`));

function faultsError(faults: readonly string[]): RecipeError {
  const more = faults.length - SHOWN_FAULTS;
  const shown = faults.slice(0, SHOWN_FAULTS);
  if (more > 0) shown.push(`and ${more.toLocaleString('en')} more`);
  return new RecipeError(shown.join('\n'));
}

/** Turns zod's 'Invalid input: expected number, received string' into the end of a sentence. */
function plain(message: string): string {
  return message
    .replace(
      /^Invalid (?:input|option|string): expected (.*), received undefined$/,
      'is missing: $1',
    )
    .replace(/^Invalid (?:input|option): expected (.*), received (.*)$/, 'must be $1, but is $2')
    .replace(/^Invalid (?:input|option): expected /, 'must be ')
    .replace(/^Too (?:big|small): expected \w+ to be /, 'must be ');
}

/** Where a path begins in the text, or its nearest ancestor that is there. */
function offsetOf(document: Document, path: Path): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (!isMap(parent)) continue;
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair) return (pair.key as Node).range?.[0];
  }
  return document.contents?.range?.[0];
}

/** Changes `value` in place; returns the paths that were set. */
function applySettings(value: Record<string, unknown>, settings: readonly string[]): Set<string> {
  const paths = new Set<string>();
  for (const setting of settings) {
    const [, path, text] = /^([A-Za-z][\w.]*)=(.*)$/s.exec(setting) ?? [];
    if (path === undefined || text === undefined || text.length > 1000) {
      throw new RecipeError(
        `--set must be key=value, such as optimizer.learningRate=1e-3, but got '${setting}'`,
      );
    }
    const keys = path.split('.');
    if (keys.includes('__proto__')) throw new RecipeError(`--set: ${path} is not an option`);
    const last = keys.pop()!;
    let parent = value;
    for (const key of keys) {
      if (!Object.hasOwn(parent, key)) parent[key] = {};
      const child = parent[key];
      if (!isObject(child)) throw new RecipeError(`--set ${path}: ${key} is not a map of options`);
      parent = child;
    }
    parent[last] = valueIn(path, text);
    paths.add(path);
  }
  return paths;
}

/** The value of a setting, parsed as YAML. */
function valueIn(path: string, text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const fault = document.errors[0] ?? document.warnings[0];
  try {
    if (fault) throw fault;
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    const [message] = (error as Error).message.split('\n');
    throw new RecipeError(`--set ${path}: must be a value in YAML, but got '${text}': ${message}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
