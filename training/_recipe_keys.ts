/** The options that recipes have, for messages on those that they have not. */
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

/** ' (Did you mean optimizer.learningRate?)' after 'learningRate', say, or ''. */
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
