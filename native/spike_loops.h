// The loops of convolutions that skip zeros, over a part of the work, and the table that they are picked from.
#pragma once

#include <cstdint>

namespace spikingformer {

/**
 * Images [height, width, channels], convolved with a filter [size, size, channels, filters]: stride 1,
 * size odd, as much padding as keeps the sides. A matrix product is an image one pixel wide.
 */
struct SpikeConv {
  int64_t height, width, channels, filters, size;

  int64_t padding() const { return size / 2; }
};

/** What `filter_gradient` works on at a time: whole images, or rows of one. */
struct PixelBlock {
  int64_t images, rows;
};

struct SpikeLoops {
  /** Output channels that are summed together. */
  int64_t strip;

  /** The `strip` columns from `first` of a matrix [rows, columns], as [rows, strip]; 0 beyond the last. */
  void (*pack)(const float* matrix, int64_t rows, int64_t columns, int64_t first, float* to);

  /**
   * The output rows [begin, end) of one image, from `panels`, the filter's strips one after the other.
   * scale and shift, one number a filter, are applied to the sums; null: neither.
   * starts and lists: as many numbers as ForwardStarts and ForwardLists say.
   */
  void (*forward)(const SpikeConv&, const float* x, const float* panels, const float* scale,
                  const float* shift, float* y, int64_t begin, int64_t end, int32_t* starts,
                  int32_t* lists);

  /**
   * The rows of dw of the input channels [begin, end), summed over all images block by block.
   * lists: end - begin times a block's pixels, twice; panel: a block's pixels with padding, `strip` each.
   */
  void (*filter_gradient)(const SpikeConv&, int64_t images, const PixelBlock&, const float* x,
                          const float* dy, float* dw, int64_t begin, int64_t end, int32_t* counts,
                          int32_t* lists, float* panel);
};

constexpr int64_t ForwardStarts(const SpikeConv& p, int64_t rows) {
  return (rows + p.size - 1) * p.width + 1;
}

/** With room for the vector that is stored where the last list ends. */
constexpr int64_t ForwardLists(const SpikeConv& p, int64_t rows) {
  return (rows + p.size - 1) * p.width * p.size * p.channels + 16;
}

// spike_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const SpikeLoops spike_loops_baseline;
extern const SpikeLoops spike_loops_avx2;
extern const SpikeLoops spike_loops_avx512;

}  // namespace spikingformer
