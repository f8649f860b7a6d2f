// What ops with LIF neurons inside share on CPUs: their loops, and the size of a block of neurons.
#pragma once

#include <atomic>
#include <cstdint>

#include "lif_gradient_loops.h"
#include "lif_loops.h"
#include "neurons.h"
#include "op.h"

namespace spikingformer {

/** Neurons of a block of the forward pass, and of the gradient. */
constexpr int64_t kForwardNeurons = 256;
constexpr int64_t kGradientNeurons = 512;

extern const Variants<LifLoops> kLifLoops;
extern const Variants<LifGradientLoops> kLifGradientLoops;

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
