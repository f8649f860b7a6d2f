// What the loops for CPUs and the kernels for GPUs are told.
#pragma once

#ifdef __CUDACC_RTC__  // CUDA's runtime compiler, which has no headers
typedef long long int64_t;
typedef int int32_t;
#else
#include <cstdint>
#endif

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

/** Images [height, width, channels], pooled to [out_height, out_width, channels]. */
struct Pool {
  int64_t height, width, channels, out_height, out_width;
  int64_t size, strides, padding;
};

}  // namespace spikingformer
