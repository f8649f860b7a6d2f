/**
 * Imported before TensorFlow.js, which waits for an animation frame between batches: a page in the background
 * has none, and training must go on there.
 */
type Scope = { requestAnimationFrame: (callback: () => void) => void };

(globalThis as unknown as Scope).requestAnimationFrame = (callback) => {
  setTimeout(callback);
};
