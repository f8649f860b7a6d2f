// The loops of MultiStepLif over one block of neurons, and the table that they are picked from.
#pragma once

#include <cstdint>

namespace spikingformer {

/** In the order of surrogateNames in lib/kernels/surrogate.ts. */
enum Surrogate {
  kSigmoid,
  kAtan,
  kPiecewiseQuadratic,
  kPiecewiseExp,
  kSoftSign,
  kErf,
  kSurrogates
};

/** The parameters of the neurons, and how an input [batch, time, neurons] is walked. */
struct Neurons {
  int64_t time;      // steps
  int64_t stride;    // numbers from one time step to the next
  int64_t x_stride;  // the same of x
  float threshold;   // vThreshold
  float rest;        // vReset; 0 with a soft reset
  float gain;        // what the charge is divided by (tau) or multiplied with (share)
  bool divide;       // tau is no power of two, and dividing rounds otherwise than multiplying
  bool keeps;        // h = v share + x: share is what stays of v
  bool decay_input;  // decayInput
  bool soft_reset;   // vReset null
  // Of the gradient:
  float share;  // 1 / tau or, if it keeps, 1 - 1 / tau
  float alpha;
  int32_t surrogate;
  bool detach_reset;
};

/** The first numbers of a block in each tensor. */
struct ForwardBlock {
  const float* x;
  const float* v0;  // null: every membrane starts at rest
  float* spikes;
  float* v;
  float* row;  // memory for a row of spikes on its way past the caches; null: it goes through them
};

struct GradientBlock {
  const float* x;
  const float* v0;
  const float* d_spikes;
  const float* d_v;  // null: nobody looked at the last membranes
  float* dx;
  float* dv0;      // null where it is not asked for
  float* scratch;  // ScratchSize(...) numbers
};

constexpr int64_t ScratchSize(int64_t time, int64_t length) { return (2 * time + 2) * length; }

/** One instruction set's loops. */
struct LifLoops {
  /** Steps `length` neurons through all time steps. */
  void (*forward)(const Neurons&, const ForwardBlock&, int64_t length);
  /** And back through time; returns the sum of dLoss/dk if `with_dk`. */
  double (*gradient)(const Neurons&, const GradientBlock&, int64_t length, bool with_dk);
};

// lif_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const LifLoops lif_loops_baseline;
extern const LifLoops lif_loops_avx2;
extern const LifLoops lif_loops_avx512;

}  // namespace spikingformer
