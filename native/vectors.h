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

/** a * b + c, rounded once where the instruction set can. */
inline Vector MultiplyAdd(const Vector& a, const Vector& b, const Vector& c) {
#if defined(__AVX512F__)
  return (Vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (Vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}
inline Vector MultiplyAdd(float factor, const Vector& vector, const Vector& sum) {
  return MultiplyAdd(Vector{} + factor, vector, sum);
}

/** The numbers, or the bound where they are less; NaN of NaN. */
inline Vector AtLeast(float bound, const Vector& vector) {
#if defined(__AVX512F__)
  return (Vector)_mm512_max_ps(_mm512_set1_ps(bound), (__m512)vector);
#elif defined(__AVX2__)
  return (Vector)_mm256_max_ps(_mm256_set1_ps(bound), (__m256)vector);
#elif defined(__SSE2__)
  return (Vector)_mm_max_ps(_mm_set1_ps(bound), (__m128)vector);
#else
  Vector result;
  for (int i = 0; i < kLanes; i++) result[i] = vector[i] < bound ? bound : vector[i];
  return result;
#endif
}

/** Whether all numbers are 0: none is NaN, as infinity times 0 is. */
inline bool AllZero(const Vector& vector) {
  bool all = true;
  for (int i = 0; i < kLanes; i++) all = all && vector[i] == 0.0f;
  return all;
}

/** 1 / vector, to 1.5 units in the last place, of numbers whose inverse is normal; NaN of NaN. */
inline Vector Reciprocal(const Vector& vector) {
#if defined(__AVX512F__)
  const Vector near = (Vector)_mm512_rcp14_ps((__m512)vector);
  return MultiplyAdd(near, MultiplyAdd(-near, vector, Vector{} + 1.0f), near);
#else
  return 1.0f / vector;
#endif
}

}  // namespace
}  // namespace spikingformer
