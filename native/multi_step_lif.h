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

/** A tensor of so many numbers outgrows the caches: whoever reads it next will not find it there.
 */
constexpr int64_t kBeyondCaches = 1 << 22;

}  // namespace spikingformer
