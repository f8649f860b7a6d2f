/** Work on many items, a few of them at a time. */

/** Results in the order of the items. It runs a few at a time: tens of thousands of open promises are slower. */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, i: number) => Promise<R>,
  workers = 16,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const run = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: workers }, run));
  return results;
}
