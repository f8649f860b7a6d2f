// The loops of FirstMaxPool and its gradient over one image, and the table that they are picked
// from.
#pragma once

#include <cstdint>

#include "parameters.h"

namespace spikingformer {

struct PoolLoops {
  /** Each window's maximum, or NaN. */
  void (*forward)(const Pool&, const float* x, float* y);
  /**
   * dx: each window's dy, at its first maximum in row-major order or its last NaN, as PyTorch's.
   */
  void (*gradient)(const Pool&, const float* x, const float* dy, float* dx);
  /** `forward`, and the place of each maximum in its window, row by row of what lies in the image.
   */
  void (*forward_places)(const Pool&, const float* x, float* y, uint8_t* places);
  /** `gradient` by those places. */
  void (*gradient_at)(const Pool&, const uint8_t* places, const float* dy, float* dx);
};

// pool_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const PoolLoops pool_loops_baseline;
extern const PoolLoops pool_loops_avx2;
extern const PoolLoops pool_loops_avx512;

}  // namespace spikingformer
