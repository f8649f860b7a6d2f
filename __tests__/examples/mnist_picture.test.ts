import { toMnist } from '../../examples/browser/page/mnist_picture';

const SIDE = 28;

/** A square drawing with ink where `inside` says so. */
function draw(size: number, inside: (x: number, y: number) => boolean): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) =>
    Number(inside(i % size, Math.floor(i / size))),
  );
}

/** Box and centre of mass of an image of `SIDE` pixels. */
function measure(image: Uint8Array) {
  let mass = 0;
  const centre = [0, 0];
  const xs: number[] = [];
  const ys: number[] = [];
  image.forEach((value, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    mass += value;
    centre[0] += value * (x + 0.5);
    centre[1] += value * (y + 0.5);
    if (value > 0) xs.push(x) && ys.push(y);
  });
  const extent = (of: number[]) => Math.max(...of) - Math.min(...of) + 1;
  return { mass, centre: centre.map((c) => c / mass), width: extent(xs), height: extent(ys) };
}

describe('toMnist', () => {
  it('is null for an empty drawing', () => {
    expect(toMnist(new Float32Array(100 * 100), 100)).toBeNull();
  });

  it.each([
    ['a bar at the left', (x: number, y: number) => x < 10 && y >= 30 && y < 90, 3, 20],
    ['a bar at the top', (x: number, y: number) => y < 10 && x >= 20, 20, 3],
    ['a square', (x: number, y: number) => x >= 50 && y >= 60 && x < 90, 20, 20],
    ['a single pixel', (x: number, y: number) => x === 3 && y === 99, 20, 20],
  ])('scales %s to 20 pixels and centres it', (_name, inside, width, height) => {
    const image = toMnist(draw(100, inside), 100) as Uint8Array;
    const seen = measure(image);
    expect([seen.width, seen.height]).toEqual([width, height]);
    expect(seen.mass).toBe(255 * width * height);
    for (const c of seen.centre) expect(Math.abs(c - SIDE / 2)).toBeLessThanOrEqual(0.5);
  });

  it('puts the centre of mass, not of the box, in the middle', () => {
    const seven = draw(100, (x, y) => (y < 40 && x < 60) || (x < 60 && x >= 50 && y < 100));
    const { centre } = measure(toMnist(seven, 100) as Uint8Array);
    for (const c of centre) expect(Math.abs(c - SIDE / 2)).toBeLessThanOrEqual(0.5);
  });

  it('has bytes from 0 to 255, and gray where an edge cuts a pixel', () => {
    const image = toMnist(
      draw(100, (x, y) => (x - 50) ** 2 + (y - 50) ** 2 < 900),
      100,
    ) as Uint8Array;
    expect(Math.max(...image)).toBe(255);
    expect(Math.min(...image)).toBe(0);
    expect(image.some((value) => value > 51 && value < 204)).toBe(true);
  });
});
