/** Suggestions for misspelled names: the nearest known one. */

/** The number of letters to add, drop, change or swap with a neighbor that turns one word into the other. */
export function editDistance(a: string, b: string): number {
  let [beforeLast, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(changed, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

/**
 * The name at a distance of at most three letters and two fifths of its length, or the only name that starts with the
 * word.
 */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  const small = word.slice(0, 100).toLowerCase();
  const away = (name: string) => editDistance(small, name.toLowerCase());
  const near = names
    .map((name) => ({ name, distance: away(name) }))
    .filter(({ name, distance }) => distance <= Math.min(3, 0.4 * name.length))
    .sort((a, b) => a.distance - b.distance);
  if (near.length > 0) return near[0]!.name;
  const longer = names.filter((name) => small.length > 1 && name.toLowerCase().startsWith(small));
  return longer.length === 1 ? longer[0] : undefined;
}

/** ' (Did you mean X?)', to end an error with; '' if no name is near. */
export function didYouMean(word: string, names: readonly string[]): string {
  const nearest = nearestName(word, names);
  return nearest === undefined ? '' : ` (Did you mean ${nearest}?)`;
}
