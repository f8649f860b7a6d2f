// The loops of the gradient of a depthwise convolution's filter, and the table that they are picked
// from.
#pragma once

#include <cstdint>

namespace spikingformer {

/**
 * Images [height, width, channels], convolved to their own sides by filters of `size`, an odd
 * number.
 */
struct Depthwise {
  int64_t images, height, width, channels, size;
};

struct DepthwiseLoops {
  /** Channels that are computed together. */
  int64_t lanes;

  /**
   * dw [size, size, channels], its `lanes` channels from `channel` on. scratch:
   * DepthwiseScratch(...) numbers.
   */
  void (*filter_gradient)(const Depthwise&, const float* x, const float* dy, int64_t channel,
                          float* dw, float* scratch);
};

/**
 * An image of x with its padding, one of dy, the sums of all taps, and what it takes to begin at a
 * cache line.
 */
constexpr int64_t DepthwiseScratch(const Depthwise& p, int64_t lanes) {
  const int64_t padded = (p.height + p.size - 1) * (p.width + p.size - 1);
  return lanes * (padded + p.height * p.width + p.size * p.size) + 16;
}

// depthwise_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const DepthwiseLoops depthwise_loops_baseline;
extern const DepthwiseLoops depthwise_loops_avx2;
extern const DepthwiseLoops depthwise_loops_avx512;

}  // namespace spikingformer
