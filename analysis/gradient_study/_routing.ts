/** Where a 3x3 max pool of stride 2 sends its gradient, window by window, and where it belongs. */

export interface Routing {
  /** Share of the gradient's magnitude that goes to an element that was not the largest. */
  misrouted: number;
  /** Share in windows without a spike: they tie at 0. */
  silent: number;
  /** Share in windows with at least two spikes: they tie at 1. */
  tied: number;
}

/**
 * @param shape `[images, height, width, channels]` of `compared` and `truth`.
 * @param compared What the pool compared: its gradient goes to the first maximum in row-major order.
 * @param truth What it should have compared.
 * @param gradient At the pool's output `[images, ceil(height / 2), ceil(width / 2), channels]`.
 */
export function routingOf(
  shape: readonly [number, number, number, number],
  compared: Float32Array,
  truth: Float32Array,
  gradient: Float32Array,
): Routing {
  const [images, height, width, channels] = shape;
  const sum = { all: 0, misrouted: 0, silent: 0, tied: 0 };
  let output = 0;
  for (let n = 0; n < images; n++) {
    for (let top = -1; top + 1 < height; top += 2) {
      for (let left = -1; left + 1 < width; left += 2) {
        for (let c = 0; c < channels; c++) {
          const size = Math.abs(gradient[output++]!);
          let [taken, largest, highest, maxima] = [-1, -Infinity, -Infinity, 0];
          for (let y = Math.max(top, 0); y < Math.min(top + 3, height); y++) {
            for (let x = Math.max(left, 0); x < Math.min(left + 3, width); x++) {
              const at = ((n * height + y) * width + x) * channels + c;
              if (compared[at]! > largest) [taken, largest, maxima] = [at, compared[at]!, 1];
              else if (compared[at] === largest) maxima++;
              highest = Math.max(highest, truth[at]!);
            }
          }
          sum.all += size;
          if (truth[taken]! < highest) sum.misrouted += size;
          if (largest === 0 && maxima > 1) sum.silent += size;
          if (largest === 1 && maxima > 1) sum.tied += size;
        }
      }
    }
  }
  const share = (part: number) => (sum.all > 0 ? part / sum.all : 0);
  return {
    misrouted: share(sum.misrouted),
    silent: share(sum.silent),
    tied: share(sum.tied),
  };
}
