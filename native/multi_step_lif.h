// What ops with LIF neurons inside share on CPUs: their loops, and the size of a block of neurons.
#pragma once

#include <cstdint>

#include "lif_loops.h"
#include "neurons.h"
#include "op.h"

namespace spikingformer {

/** Of the gradient: how many neurons at a time keep their potentials in L1, whatever the number of
 * steps. */
int64_t GradientBlockLength(int64_t time);

/** Neurons that are stepped forward through all of time together: so few that v stays in L1. */
constexpr int64_t kForwardNeurons = 256;

extern const Variants<LifLoops> kLifLoops;

}  // namespace spikingformer
