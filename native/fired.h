// Which neurons of a vector fire, as numbers or as bits. Compiled with lif_loops.cc, for its
// instruction set.
#pragma once

#include "spike_bits.h"
#include "vectors.h"

namespace spikingformer {
namespace {

/** Neurons that are stepped through all of time together: their spikes are a word. */
constexpr int kVectors = kSpikesPerWord / kLanes;

/** Those of a vector that fire. */
struct Fired {
#if defined(__AVX512F__)
  __mmask16 mask;

  Fired(const Vector& h, float threshold)
      : mask(_mm512_cmp_ps_mask((__m512)h, _mm512_set1_ps(threshold), _CMP_GE_OQ)) {}
  /** One number for those that fire, another for the others. */
  Vector Choose(const Vector& fired, const Vector& silent) const {
    return (Vector)_mm512_mask_blend_ps(mask, (__m512)silent, (__m512)fired);
  }
  uint32_t Bits() const { return mask; }
  Vector Numbers() const { return (Vector)_mm512_maskz_mov_ps(mask, _mm512_set1_ps(1.0f)); }
#else
  typedef int32_t Mask __attribute__((vector_size(kLanes * sizeof(int32_t))));
  Mask mask;

  Fired(const Vector& h, float threshold) : mask((Mask)(h >= threshold)) {}
  Vector Choose(const Vector& fired, const Vector& silent) const {
    return (Vector)(((Mask)fired & mask) | ((Mask)silent & ~mask));
  }
  uint32_t Bits() const {
#if defined(__AVX2__)
    return _mm256_movemask_ps((__m256)mask);
#elif defined(__SSE2__)
    return _mm_movemask_ps((__m128)mask);
#else
    uint32_t bits = 0;
    for (int i = 0; i < kLanes; i++) bits |= static_cast<uint32_t>(mask[i] & 1) << i;
    return bits;
#endif
  }
  Vector Numbers() const { return (Vector)(mask & 0x3f800000); }  // the bits of 1.0f
#endif
};

}  // namespace
}  // namespace spikingformer
