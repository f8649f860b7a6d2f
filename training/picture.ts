/** A sample as a small picture: a Windows bitmap in a data URL, which every browser shows. */

/**
 * @param data bytes 0..255, or any numbers, stretched from their least to their greatest
 * @param shape `[height, width, 1 | 2 | 3]`, or frames `[time, ...]` of which the sum is shown
 */
export function pictureOf(data: ArrayLike<number>, shape: readonly number[]): string {
  const [height, width, channels] = shape.slice(-3) as [number, number, number];
  const size = height * width * channels;
  const sum = new Float32Array(size);
  for (let i = 0; i < data.length; i++) sum[i % size]! += data[i]!;
  const bytes = data instanceof Uint8Array && data.length === size;
  const low = bytes ? 0 : sum.reduce((a, b) => Math.min(a, b), Infinity);
  const high = bytes ? 255 : sum.reduce((a, b) => Math.max(a, b), -Infinity);
  const level = (x: number) => Math.round((255 * (x - low)) / (high - low || 1));
  const stride = Math.ceil((3 * width) / 4) * 4;
  const file = new Uint8Array(54 + stride * height);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]); // 'BM'
  view.setUint32(2, file.length, true);
  view.setUint32(10, 54, true); // where the pixels begin
  view.setUint32(14, 40, true); // BITMAPINFOHEADER
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * channels;
      const value = (c: number) => level(sum[at + c]!);
      // Events: off in the red, on in the blue channel; bitmaps have blue first, and rows from below.
      const bgr =
        channels === 1
          ? [value(0), value(0), value(0)]
          : channels === 2
            ? [value(1), 0, value(0)]
            : [value(2), value(1), value(0)];
      file.set(bgr, 54 + (height - 1 - y) * stride + 3 * x);
    }
  }
  let binary = '';
  for (const byte of file) binary += String.fromCharCode(byte);
  return `data:image/bmp;base64,${btoa(binary)}`;
}
