// The loops of MultiStepLif over one block of neurons, and the table that they are picked from.
#pragma once

#include <cstdint>

#include "parameters.h"

namespace spikingformer {

/** The first numbers of a block in each tensor. */
struct ForwardBlock {
  const float* x;
  const float* v0;  // null: every membrane starts at rest
  float* spikes;
  float* v;  // null: nobody looks at the last membranes
};

/** One instruction set's loops. */
struct LifLoops {
  /** Steps `length` neurons through all time steps. */
  void (*forward)(const Neurons&, const ForwardBlock&, int64_t length);
  /**
   * The same of whole words of neurons, to bits instead of `spikes`: of the first spike on to
   * `words`. Returns how many have fired.
   */
  int64_t (*forward_bits)(const Neurons&, const ForwardBlock&, int64_t length, uint32_t* words);
};

// lif_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const LifLoops lif_loops_baseline;
extern const LifLoops lif_loops_avx2;
extern const LifLoops lif_loops_avx512;

}  // namespace spikingformer
