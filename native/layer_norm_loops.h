// The loops of layer normalization over rows of channels, and the table that they are picked from.
#pragma once

#include <cstdint>

namespace spikingformer {

/** What is done to each row; arrays of `channels` numbers. */
struct LayerNorm {
  int64_t channels;
  float epsilon;
  const float* gamma;
  const float* beta;  // of the forward pass
  const float* bias;  // added to x first; may be null
};

struct LayerNormLoops {
  /** y = (x - mean) rstd gamma + beta, with the mean and rstd of each row of x, its bias added. */
  void (*forward)(const LayerNorm&, const float* x, float* y, int64_t rows);
  /**
   * dx, of which mean and rstd are computed once more; adds sums over the rows to `sums`: those of
   * dy, those of dy (x - mean) rstd, and with a bias those of dx, one after the other.
   */
  void (*gradient)(const LayerNorm&, const float* dy, const float* x, float* dx, int64_t rows,
                   float* sums);
};

// layer_norm_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const LayerNormLoops layer_norm_loops_baseline;
extern const LayerNormLoops layer_norm_loops_avx2;
extern const LayerNormLoops layer_norm_loops_avx512;

}  // namespace spikingformer
