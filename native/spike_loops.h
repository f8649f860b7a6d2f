// The loops of convolutions that skip zeros, over a part of the work, and the table that they are
// picked from.
#pragma once

#include <cstdint>

#include "spike_bits.h"

namespace spikingformer {

/**
 * Images [height, width, channels], convolved with a filter [size, size, channels, filters]: stride
 * 1, size odd, as much padding as keeps the sides. A matrix product is an image one pixel wide.
 */
struct SpikeConv {
  int64_t height, width, channels, filters, size;

  constexpr int64_t padding() const { return size / 2; }
};

/**
 * What is done to the sums of an output pixel: a factor and a term per filter, or, if they are
 * null, neither; and what is added to them, laid out as the output, or null.
 */
struct Finishing {
  const float *scale = nullptr, *shift = nullptr, *addend = nullptr;
};

/** Memory for `forward`; what is in it is undefined. */
struct ForwardMemory {
  int32_t* starts;
  int32_t* lists;
  float* kept;
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
   * The output rows [begin, end) of one image, to y, from `panels`, the filter's strips one after
   * the other. The addend begins where y does.
   */
  void (*forward)(const SpikeConv&, const float* x, const float* panels, const Finishing&, float* y,
                  int64_t begin, int64_t end, const ForwardMemory&);

  /** The same of spikes, and of so many images, to y one after the other. */
  void (*forward_spikes)(const SpikeConv&, int64_t images, const SpikeBits& x, const float* panels,
                         const Finishing&, float* y, int64_t begin, int64_t end,
                         const ForwardMemory&);
};

// How many of each the memory has to have for one image. A vector may be stored where a list ends.

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

// spike_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const SpikeLoops spike_loops_baseline;
extern const SpikeLoops spike_loops_avx2;
extern const SpikeLoops spike_loops_avx512;

}  // namespace spikingformer
