// The widest vector of floats of the instruction set that a file of loops is compiled for.
// That set's intrinsics come with it.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace spikingformer {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

/** Anywhere in memory; where the cache lines are crossed, slower. */
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));

inline Vector Load(const float* from) { return *(const Vector*)from; }
inline void Store(const Vector& vector, float* to) { *(Vector*)to = vector; }

/** factor * vector + sum, rounded once where the instruction set can. */
inline Vector MultiplyAdd(float factor, const Vector& vector, const Vector& sum) {
#if defined(__AVX512F__)
  return (Vector)_mm512_fmadd_ps(_mm512_set1_ps(factor), (__m512)vector, (__m512)sum);
#elif defined(__FMA__)
  return (Vector)_mm256_fmadd_ps(_mm256_set1_ps(factor), (__m256)vector, (__m256)sum);
#else
  return factor * vector + sum;
#endif
}

}  // namespace
}  // namespace spikingformer
