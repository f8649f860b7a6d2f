// The loops of batch normalization over rows of channels, and the table that they are picked from.
#pragma once

#include <cstdint>

namespace spikingformer {

/** What is done to each channel; arrays of `count` numbers. */
struct Channels {
  int64_t count;
  const float* mean;
  const float* scale;  // gamma / sqrt(variance + epsilon)
  const float* shift;  // beta
  // Of the gradient:
  const float* dy_mean;  // the mean of dy
  const float* slope;    // the mean of dy (x - mean), over variance + epsilon
};

/** One instruction set's loops. `scratch` has MomentsScratch(channels) numbers. */
struct NormLoops {
  /** Adds each channel's sum and sum of squares over some rows to `sums` and `squares`. */
  void (*moments)(const float* x, int64_t rows, int64_t channels, float* scratch, double* sums,
                  double* squares);
  /** y = (x - mean) scale + shift. */
  void (*normalize)(const Channels&, const float* x, float* y, int64_t rows);
  /** Adds the sums of dy and of dy (x - mean) over some rows to `sums` and `products`. */
  void (*gradient_sums)(const Channels&, const float* x, const float* dy, int64_t rows, float* sums,
                        float* products);
  /** The same, gathered so far, to `totals`; begins again. */
  void (*gather)(float* sums, double* totals, int64_t count);
  /** dx = scale (dy - dy_mean - (x - mean) slope); where dy is null, it is what dx holds. */
  void (*gradient)(const Channels&, const float* x, const float* dy, float* dx, int64_t rows);
};

constexpr int64_t MomentsScratch(int64_t channels) { return 4 * channels; }

// norm_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const NormLoops norm_loops_baseline;
extern const NormLoops norm_loops_avx2;
extern const NormLoops norm_loops_avx512;

}  // namespace spikingformer
