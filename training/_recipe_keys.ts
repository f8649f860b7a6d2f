/** The options of recipes, for error messages about unknown ones. */
import * as z from 'zod';
import { didYouMean, nearestName } from '../lib/did_you_mean';

/** Every key of a schema as a dotted path. */
function pathsOf(schema: unknown, above = ''): string[] {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([key, value]) => [
    above + key,
    ...pathsOf(value, `${above}${key}.`),
  ]);
}

/** For example ' (Did you mean optimizer.learningRate?)' after 'learningRate', or ''. */
export function didYouMeanKey(path: string, schema: z.ZodType): string {
  const paths = pathsOf(schema);
  const last = path.split('.').at(-1)!;
  const beside = paths.filter((known) => parentOf(known) === parentOf(path));
  const elsewhere = paths.filter((known) => known.split('.').at(-1) === last);
  if (nearestName(path, beside) === undefined && elsewhere.length === 1) {
    return ` (Did you mean ${elsewhere[0]}?)`;
  }
  const asDeep = paths.filter((known) => known.split('.').length === path.split('.').length);
  return didYouMean(path, beside) || didYouMean(path, asDeep);
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('.') + 1);
