// What ops with LIF neurons inside share on CPUs: their loops, and the size of a block of neurons.
#pragma once

#include <atomic>
#include <cstdint>

#include "lif_loops.h"
#include "neurons.h"
#include "op.h"

namespace spikingformer {

/** Of the gradient: how many neurons at a time keep their potentials in L1, whatever the number of
 * steps. */
int64_t GradientBlockLength(int64_t time);

/** Neurons of a block of the forward pass. */
constexpr int64_t kForwardNeurons = 256;

extern const Variants<LifLoops> kLifLoops;

/** An output of spikes as bits. */
class FiredBits {
 public:
  /** Output `i` of so many spikes; blocks are to be whole words, as `row` spikes must be. */
  FiredBits(Call& call, int i, int64_t spikes, int64_t row);

  /** Steps a block of neurons; the first spike is number `at`, and the block needs no `spikes`. */
  void Fire(const Neurons& neurons, const ForwardBlock& block, int64_t at, int64_t length);

  /** After all blocks. */
  void WriteCount() const;

 private:
  uint32_t* words_;
  int64_t spikes_;
  std::atomic<int64_t> count_{0};
};

}  // namespace spikingformer
