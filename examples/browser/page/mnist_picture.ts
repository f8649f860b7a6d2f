/** From a drawing to the bytes of a picture as MNIST has them. */

const SIDE = 28;
const BOX = 20;

/**
 * As MNIST was made: the ink's bounding box is scaled, by averaging, to fit 20 x 20 pixels, and
 * placed in 28 x 28 with its center of mass in the middle.
 *
 * @param ink square of `size * size` values, 0 paper to 1 ink, row by row
 * @returns 28 * 28 bytes, 0 paper to 255 ink, or null if nothing is drawn
 */
export function toMnist(ink: Float32Array, size: number): Uint8Array | null {
  const box = boundingBox(ink, size);
  if (!box) return null;
  const scale = BOX / Math.max(box.right - box.left, box.bottom - box.top);
  const width = Math.max(1, Math.round((box.right - box.left) * scale));
  const height = Math.max(1, Math.round((box.bottom - box.top) * scale));
  const small = new Float32Array(width * height);
  let mass = 0;
  let massX = 0;
  let massY = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = average(
        ink,
        size,
        box.left + ((box.right - box.left) * x) / width,
        box.left + ((box.right - box.left) * (x + 1)) / width,
        box.top + ((box.bottom - box.top) * y) / height,
        box.top + ((box.bottom - box.top) * (y + 1)) / height,
      );
      small[y * width + x] = value;
      mass += value;
      massX += value * (x + 0.5);
      massY += value * (y + 0.5);
    }
  }
  // The center of mass goes to the middle, as far as the whole digit stays inside.
  const place = (center: number, length: number) =>
    Math.min(Math.max(Math.round(SIDE / 2 - center), 0), SIDE - length);
  const left = place(massX / mass, width);
  const top = place(massY / mass, height);
  const image = new Uint8Array(SIDE * SIDE);
  const bytes = small.map((value) => Math.round(255 * value));
  for (let y = 0; y < height; y++) {
    image.set(bytes.subarray(y * width, (y + 1) * width), (top + y) * SIDE + left);
  }
  return image;
}

function boundingBox(ink: Float32Array, size: number) {
  let left = size;
  let right = 0;
  let top = size;
  let bottom = 0;
  for (let i = 0; i < ink.length; i++) {
    if (ink[i] < 0.1) continue;
    const x = i % size;
    const y = (i - x) / size;
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  return right > left ? { left, right, top, bottom } : null;
}

/** Mean over a rectangle whose edges may lie inside pixels. */
function average(
  ink: Float32Array,
  size: number,
  left: number,
  right: number,
  top: number,
  bottom: number,
): number {
  let sum = 0;
  for (let y = Math.floor(top); y < bottom; y++) {
    const rows = Math.min(y + 1, bottom) - Math.max(y, top);
    for (let x = Math.floor(left); x < right; x++) {
      sum += ink[y * size + x] * rows * (Math.min(x + 1, right) - Math.max(x, left));
    }
  }
  return sum / ((right - left) * (bottom - top));
}
