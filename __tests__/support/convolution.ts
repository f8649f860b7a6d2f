/** The gradient of a 3x3 convolution's input by definition, in float64, and how far from it Winograd's may be. */

/**
 * What Winograd's numbers may be off by, as a share of `size` below: 16 roundings. Of 6000 random cases with 16 to 35
 * filters the worst had 10 and half had less than 5; direct float32 sums had 5 and 2.3. As a share of the largest of dx
 * it depends on how much of the sums cancels: `size` is two to five times that.
 */
export const WINOGRAD_ERROR = 2 ** -20;

/** A convolution with stride 1, by the shape of its input and its padding on either side. */
export interface Conv3x3 {
  shape: [batch: number, height: number, width: number, channels: number];
  filters: number;
  padTop: number;
  padLeft: number;
}

export const outShape = ({
  shape: [batch, height, width],
  filters,
  padTop,
  padLeft,
}: Conv3x3): Conv3x3['shape'] => [batch, height + 2 * padTop - 2, width + 2 * padLeft - 2, filters];

/**
 * dx[h, w, ci] = the sum of dy[h + padTop - kh, w + padLeft - kw, co] filter[kh, kw, ci, co]; and the largest sum of
 * the products' sizes, which rounding is in proportion to.
 */
export function inputGradient(c: Conv3x3, dy: Float32Array, filter: Float32Array) {
  const [batch, height, width, channels] = c.shape;
  const [, outHeight, outWidth, filters] = outShape(c);
  // Jest takes long to look a global up.
  const { abs, floor, max } = Math;
  const dx = new Float64Array(batch * height * width * channels);
  const sizes = new Float64Array(dx.length);
  for (let i = 0; i < batch * height * width * 9; i++) {
    const [kw, kh, w] = [i % 3, floor(i / 3) % 3, floor(i / 9) % width];
    const h = floor(i / 9 / width) % height;
    const b = floor(i / 9 / width / height);
    const [row, column] = [h + c.padTop - kh, w + c.padLeft - kw];
    if (row < 0 || row >= outHeight || column < 0 || column >= outWidth) continue;
    for (let ci = 0; ci < channels; ci++) {
      const at = ((b * outHeight + row) * outWidth + column) * filters;
      const from = ((kh * 3 + kw) * channels + ci) * filters;
      const to = ((b * height + h) * width + w) * channels + ci;
      for (let co = 0; co < filters; co++) {
        const product = dy[at + co]! * filter[from + co]!;
        dx[to]! += product;
        sizes[to]! += abs(product);
      }
    }
  }
  return { dx, size: sizes.reduce((a, b) => max(a, b), 0) };
}
