/**
 * A recording made from a picture: an event camera looks at a digit and jerks three times within 0.3 s, as the
 * camera did that recorded N-MNIST (arXiv 1507.07629). A pixel reports each change of its brightness by THRESHOLD.
 */
import type { Events } from 'tfjs-spikingformer/datasets';

/** Of the picture and of the camera, in pixels. */
const PICTURE = 28;
const CAMERA = 34;
const STEPS = 60;
const STEP_MICROSECONDS = 5000;
/** Of 255. */
const THRESHOLD = 60;
/** Where the picture's corner lies on the camera, in pixels: from each to the next in a third of the time. */
const CORNERS: readonly [x: number, y: number][] = [
  [0, 1],
  [3, 5.5],
  [6, 1],
  [0, 1],
];

function cornerAt(step: number): [x: number, y: number] {
  const way = (step / STEPS) * (CORNERS.length - 1);
  const leg = Math.min(Math.floor(way), CORNERS.length - 2);
  const [from, to] = [CORNERS[leg]!, CORNERS[leg + 1]!];
  const share = way - leg;
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}

/** The picture's brightness at a place between its pixels, by bilinear interpolation; black around it. */
function brightness(picture: Uint8Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < PICTURE && row < PICTURE
      ? picture[row * PICTURE + column]!
      : 0;
  const [right, down] = [x - left, y - top];
  const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
  const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
  return upper * (1 - down) + lower * down;
}

/** @param picture 28 * 28 bytes, 0 black to 255 white */
export function saccades(picture: Uint8Array): Events {
  const known = new Float32Array(CAMERA * CAMERA);
  const [t, x, y, p]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let step = 0; step <= STEPS; step++) {
    const [left, top] = cornerAt(step);
    const begun = t.length;
    for (let pixel = 0; pixel < known.length; pixel++) {
      const column = pixel % CAMERA;
      const row = (pixel - column) / CAMERA;
      const now = brightness(picture, column - left, row - top);
      if (step === 0) known[pixel] = now; // a camera that rests sees nothing
      for (let change = now - known[pixel]!; Math.abs(change) >= THRESHOLD; ) {
        const polarity = change > 0 ? 1 : 0;
        known[pixel]! += polarity ? THRESHOLD : -THRESHOLD;
        change = now - known[pixel]!;
        x.push(column);
        y.push(row);
        p.push(polarity);
        t.push(0);
      }
    }
    for (let i = begun; i < t.length; i++) {
      t[i] = Math.floor((step + (i - begun) / (t.length - begun)) * STEP_MICROSECONDS);
    }
  }
  return {
    t: Float64Array.from(t),
    x: Uint16Array.from(x),
    y: Uint16Array.from(y),
    p: Uint8Array.from(p),
    width: CAMERA,
    height: CAMERA,
  };
}
