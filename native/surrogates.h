// The derivatives of lib/kernels/surrogate.ts, of a vector of membranes. Compiled with
// lif_gradient_loops.cc, for its instruction set.
#pragma once

#include "parameters.h"
#include "vectors.h"

namespace spikingformer {
namespace {

typedef int32_t Bits __attribute__((vector_size(kLanes * sizeof(int32_t)), may_alias));

inline Vector All(float x) { return Vector{} + x; }
inline Vector MinusAbs(const Vector& x) { return (Vector)((Bits)x | INT32_MIN); }
inline Vector Abs(const Vector& x) { return (Vector)((Bits)x & INT32_MAX); }

/**
 * exp(x) for x <= 0, to 2 units in the last place; 0 below -87.7; NaN of NaN. The polynomial is
 * the best of its degree between -ln 2 / 2 and ln 2 / 2.
 */
inline Vector ExpOfNegative(const Vector& x) {
  // 1.5 * 2^23: adding it rounds to an integer n, which the low bits then are; here n + 127.
  constexpr float kRound = 12582912.0f + 127.0f;
  const Vector clamped = AtLeast(-88.0f, x);
  const Vector shifted = MultiplyAdd(1.44269504f, clamped, All(kRound));
  const Vector n = shifted - kRound;
  const Vector r = MultiplyAdd(2.12194440e-4f, n, MultiplyAdd(-0.693359375f, n, clamped));
  Vector y = MultiplyAdd(1.381454017e-3f, r, All(8.368745109e-3f));
  y = MultiplyAdd(y, r, All(4.166839078e-2f));
  y = MultiplyAdd(y, r, All(1.666652040e-1f));
  y = MultiplyAdd(y, r, All(4.999999343e-1f));
  y = MultiplyAdd(y, r, All(1.0f));
  y = MultiplyAdd(y, r, All(1.0f));
  return y * (Vector)((Bits)shifted << 23);  // 2^n; of n = -127, 0
}

template <int kSurrogate>
inline Vector SurrogateGradient(const Vector& u, float alpha) {
  constexpr float kHalfPi = 1.57079633f, kInverseRootPi = 0.564189584f;
  if (kSurrogate == kSigmoid) {
    const Vector e = ExpOfNegative(MinusAbs(alpha * u)), above = 1.0f + e;
    return (alpha * e) * Reciprocal(above * above);
  }
  if (kSurrogate == kAtan) {
    const Vector z = kHalfPi * alpha * u;
    return (0.5f * alpha) / (1.0f + z * z);
  }
  if (kSurrogate == kPiecewiseQuadratic) return alpha - alpha * alpha * Abs(u);
  if (kSurrogate == kPiecewiseExp) return 0.5f * alpha * ExpOfNegative(alpha * MinusAbs(u));
  if (kSurrogate == kSoftSign) {
    const Vector z = 1.0f / alpha + Abs(u);
    return 1.0f / (2.0f * alpha * z * z);
  }
  const Vector z = alpha * u;
  return kInverseRootPi * alpha * ExpOfNegative(-z * z);
}

}  // namespace
}  // namespace spikingformer
