// What ops with LIF neurons inside share: the neurons' attributes, and the size of a block of them.
#pragma once

#include <cstdint>
#include <vector>

#include "lif_loops.h"
#include "op.h"

namespace spikingformer {

/**
 * How TensorFlow writes the neurons' attributes down; those of the gradient alone have defaults.
 */
extern const std::vector<const char*> kNeuronAttrs;

/** Reads them; what depends on the input is left at 0. */
Neurons ReadNeurons(AttrReader& read);

/**
 * Of the gradient: how many neurons at a time keep their potentials in L1, whatever the number of
 * steps.
 */
int64_t GradientBlockLength(int64_t time);

extern const Variants<LifLoops> kLifLoops;

/**
 * A tensor of so many numbers outgrows the caches: whoever reads it next will not find it there.
 */
constexpr int64_t kBeyondCaches = 1 << 22;

}  // namespace spikingformer
