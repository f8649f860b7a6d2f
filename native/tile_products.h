// Products by AMX of all pixels, on all threads: what of lib/kernels/spike_product.ts they compute.
#pragma once

#include "filter_parts.h"

namespace spikingformer {

/** How the numbers of a product are taken: those that are not spikes. */
enum class Digits { kBfloat16, kFloat32 };

/**
 * Whether AMX computes such products here: channels and filters in sixteens. In float32 only if
 * SPIKINGFORMER_INSTRUCTION_SET asks for it, or for the gradient of a filter of `dense` spikes. A
 * spike depends on a sum's last bit, and ten steps of training showed that AMX loses more of them.
 * And machines that share their processor may have AMX at a fraction of its speed: skipping most
 * zeros by AVX-512 is then faster.
 */
bool FitTiles(const SpikeConv& conv, Digits digits, bool dense);

/** y, of spikes, in float32; scale and shift as in SpikeLoops. */
void MultiplySpikes(const Images& x, const SpikeBits& spikes, const float* filter,
                    const float* scale, const float* shift, float* y);

/** The gradient of that filter, to where `output` says. */
void SpikesFilterGradient(const Images& x, const SpikeBits& spikes, const float* dy, Digits digits,
                          const GradientOutput& output);

/** The gradient of x, whatever that is. */
void InputGradient(const Images& x, const float* filter, const float* dy, float* dx, Digits digits);

}  // namespace spikingformer
