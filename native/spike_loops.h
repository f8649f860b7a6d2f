// The loops of convolutions that skip zeros, over a part of the work, and the table that they are
// picked from.
#pragma once

#include <cstdint>

namespace spikingformer {

/**
 * Images [height, width, channels], convolved with a filter [size, size, channels, filters]: stride
 * 1, size odd, as much padding as keeps the sides. A matrix product is an image one pixel wide.
 */
struct SpikeConv {
  int64_t height, width, channels, filters, size;

  int64_t padding() const { return size / 2; }
};

/** What `filter_gradient` works on at a time: whole images, or rows of one. */
struct PixelBlock {
  int64_t images, rows;
};

/** Memory for `forward`; what is in it is undefined. */
struct ForwardMemory {
  int32_t* starts;
  int32_t* lists;
  float* kept;
};

/** A number of x that is not zero, and its pixel's place in a panel. */
struct Entry {
  int32_t at;
  float value;
};

/** Memory for `filter_gradient`; what is in it is undefined. */
struct GradientMemory {
  int32_t* places;
  float* values;
  int32_t* ends;
  Entry* entries;
  float* panel;
};

/** Input channels of one call of `filter_gradient`, at most; a power of 2. */
constexpr int32_t kGradientChannels = 256;

/** Input channels [begin, end), and filters [first, last); first is a multiple of half a strip. */
struct FilterPart {
  int64_t begin, end, first, last;
};

struct SpikeLoops {
  /** Output channels that are summed together. */
  int64_t strip;

  /** About which share of x is not zero. */
  float (*density)(const float* x, int64_t length);

  /** Whether none of them is infinite or NaN. */
  bool (*finite)(const float* x, int64_t length);

  /**
   * The strip from column `first` of a matrix [rows, columns], as [rows, strip]; the last may be
   * half as wide.
   */
  void (*pack)(const float* matrix, int64_t rows, int64_t columns, int64_t first, float* to);

  /**
   * The output rows [begin, end) of one image, from `panels`, the filter's strips one after the
   * other. scale and shift, one number a filter, are applied to the sums; null: neither.
   */
  void (*forward)(const SpikeConv&, const float* x, const float* panels, const float* scale,
                  const float* shift, float* y, int64_t begin, int64_t end, const ForwardMemory&);

  /** A part of dw, summed over all images block by block. */
  void (*filter_gradient)(const SpikeConv&, int64_t images, const PixelBlock&, const float* x,
                          const float* dy, float* dw, const FilterPart&, const GradientMemory&);
};

// How many of each the memory has to have. A vector may be stored where a list ends.

/** `forward` divides the rows of a filter into parts no shorter. */
constexpr int64_t kLeastBlock = 64;

constexpr int64_t ForwardStarts(const SpikeConv& p, int64_t rows) {
  return (rows + p.size - 1) * p.width * (p.size * p.channels / kLeastBlock + 1) + 1;
}

constexpr int64_t ForwardLists(const SpikeConv& p, int64_t rows) {
  return (rows + p.size - 1) * p.width * p.size * p.channels + 16;
}

constexpr int64_t ForwardKept(const SpikeConv& p, int64_t rows, int64_t strip) {
  return rows * p.width * strip;
}

constexpr int64_t GradientPixels(const SpikeConv& p, const PixelBlock& block) {
  return block.images * block.rows * p.width;
}

/** Of one channel's entries: apart so that the lists do not share the same few lines of a cache. */
constexpr int64_t GradientCapacity(const SpikeConv& p, const PixelBlock& block) {
  return GradientPixels(p, block) + 8;
}

constexpr int64_t GradientPlaces(const SpikeConv& p, const PixelBlock& block, int64_t channels) {
  return GradientPixels(p, block) * channels + 16;
}

constexpr int64_t GradientPanel(const SpikeConv& p, const PixelBlock& block, int64_t strip) {
  return block.images * (block.rows + p.size - 1) * (p.width + p.size - 1) * strip;
}

// spike_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const SpikeLoops spike_loops_baseline;
extern const SpikeLoops spike_loops_avx2;
extern const SpikeLoops spike_loops_avx512;

}  // namespace spikingformer
