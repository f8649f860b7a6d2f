/**
 * The gradient of a convolution's filter: for every tap, x^T dy summed over all output pixels. No
 * im2col: x is packed once with its padding, and a tap is an offset into it.
 */
import { micro4x8 } from './micro_kernel';
import { packImages, packRows } from './pack';

/**
 * dw [filterHeight, filterWidth, inChannels, outChannels] from x and dy, both channels last.
 * Works through blocks of `images` images by `rows` output rows. packedX holds
 * images * ceil(inChannels / 4) * 4 * ((rows - 1) * strideHeight + filterHeight) * paddedWidth
 * floats, paddedWidth = (outWidth - 1) * strideWidth + filterWidth; packedDy holds
 * images * rows * outWidth * ceil(outChannels / 8) * 8; spill holds 32.
 */
export function convFilterGrad(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
  images: i32,
  rows: i32,
  packedX: usize,
  packedDy: usize,
  spill: usize,
): void {
  const xPixel = (<usize>inChannels) << 2;
  const dyPixel = (<usize>outChannels) << 2;
  const paddedWidth = (outWidth - 1) * strideWidth + filterWidth;
  const paddedStep = (<usize>paddedWidth) << 4;
  let accumulate = 0;
  for (let b0 = 0; b0 < batch; b0 += images) {
    const imageCount = min(images, batch - b0);
    for (let row0 = 0; row0 < outHeight; row0 += rows) {
      const rowCount = min(rows, outHeight - row0);
      const paddedRows = (rowCount - 1) * strideHeight + filterHeight;
      const imageStep = paddedStep * paddedRows;
      const xPanel = imageStep * imageCount;
      const dyPanel = (<usize>(imageCount * rowCount * outWidth)) << 5;
      const top = row0 * strideHeight - padTop;
      memory.fill(packedX, 0, xPanel * ((inChannels + 3) >> 2));
      packImages(
        x + xPixel * b0 * height * width,
        xPixel,
        imageCount,
        height,
        width,
        inChannels,
        top,
        padLeft,
        paddedRows,
        paddedWidth,
        1,
        1,
        packedX,
        imageStep,
        xPanel,
      );
      for (let j = 0, to = packedDy; j < outChannels; j += 8) {
        for (let b = 0; b < imageCount; b++, to += (<usize>(rowCount * outWidth)) << 5) {
          packRows(
            8,
            dy + dyPixel * (((b0 + b) * outHeight + row0) * outWidth) + ((<usize>j) << 2),
            dyPixel,
            rowCount * outWidth,
            min(8, outChannels - j),
            to,
            32,
          );
        }
      }
      for (let j = 0, panel = packedDy; j < outChannels; j += 8, panel += dyPanel) {
        for (let i = 0, from = packedX; i < inChannels; i += 4, from += xPanel) {
          for (let kh = 0; kh < filterHeight; kh++) {
            for (let kw = 0; kw < filterWidth; kw++) {
              micro4x8(
                from + paddedStep * kh + ((<usize>kw) << 4),
                panel,
                imageCount,
                rowCount,
                outWidth,
                imageStep,
                paddedStep * strideHeight,
                (<usize>strideWidth) << 4,
                dw + dyPixel * ((kh * filterWidth + kw) * inChannels + i) + ((<usize>j) << 2),
                dyPixel,
                accumulate,
                min(4, inChannels - i),
                min(8, outChannels - j),
                spill,
              );
            }
          }
        }
      }
      accumulate = 1;
    }
  }
  if (!accumulate) memory.fill(dw, 0, dyPixel * inChannels * filterHeight * filterWidth);
}
