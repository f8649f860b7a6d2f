// A factor and a term per channel behind a product, and a frozen batch norm as these.
#pragma once

#include <cstdint>

#include "op.h"

namespace spikingformer {

/** The weights of a frozen batch norm; null: no bias, which the norm's input would not include. */
struct FrozenNorm {
  const float *gamma, *beta, *mean, *variance, *bias;
};

/** Inputs from `first` on: the five in this order or, without bias, four. */
FrozenNorm ReadFrozenNorm(Call& call, int first, int count, int64_t channels);

/** y = scale x + shift. */
void ToAffine(const FrozenNorm& norm, int64_t channels, float epsilon, float* scale, float* shift);

/** Null: neither. */
struct Affine {
  const float *scale = nullptr, *shift = nullptr;
};

/** The attributes of an op that takes one: of how many inputs it is, and epsilon. */
constexpr char kAffineCount[] = "A: int >= 0", kAffineEpsilon[] = "epsilon: float";

struct AffineAttrs {
  int count = 0;
  float epsilon = 0;
};

AffineAttrs ReadAffineAttrs(AttrReader& read);

/**
 * Inputs from `first` on: none; scale and shift; or a frozen batch norm, the result is then in
 * memory of this thread.
 */
Affine ReadAffine(Call& call, int first, const AffineAttrs& attrs, int64_t channels);

}  // namespace spikingformer
