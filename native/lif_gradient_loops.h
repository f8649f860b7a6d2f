// The loops of MultiStepLifGrad over one block of neurons, and the table that they are picked from.
#pragma once

#include <cstdint>

#include "norm_loops.h"
#include "parameters.h"

namespace spikingformer {

/** The first numbers of a block in each tensor. */
struct GradientBlock {
  const float* x;
  const float* v0;  // null: every membrane starts at rest
  const float* d_spikes;
  const float* d_v;  // null: nobody looked at the last membranes
  float* dx;
  float* dv0;      // null where it is not asked for
  float* scratch;  // GradientScratch(time) numbers
};

/** The membranes of the widest vector of neurons, before and after each charge. */
constexpr int64_t GradientScratch(int64_t time) { return 2 * 16 * time; }

/** One instruction set's loops. */
struct LifGradientLoops {
  /** Of `length` neurons, back through all time steps; returns the sum of dLoss/dk if `with_dk`. */
  double (*gradient)(const Neurons&, const GradientBlock&, int64_t length, bool with_dk);
  /**
   * Of rows of all channels, behind a norm: x is what the norm was given, dx the gradient of what
   * it gave. Adds the sums of dx, and of dx (x - mean), to `sums` and `products`.
   */
  void (*behind_norm)(const Neurons&, const Channels&, const GradientBlock&, int64_t rows,
                      float* sums, float* products);
};

// lif_gradient_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const LifGradientLoops lif_gradient_loops_baseline;
extern const LifGradientLoops lif_gradient_loops_avx2;
extern const LifGradientLoops lif_gradient_loops_avx512;

}  // namespace spikingformer
