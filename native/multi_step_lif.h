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

extern const Variants<LifLoops> kLifLoops;

}  // namespace spikingformer
