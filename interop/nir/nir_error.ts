/** The one error of the reader and writer of NIR files. */

/** A file that is no NIR graph, or a graph or model that holds what the other side has not. */
export class NirError extends Error {
  override name = 'NirError';
}
