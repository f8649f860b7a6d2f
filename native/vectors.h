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

/**
 * Stores past the caches, where there is an instruction for it; `to` is a multiple of the vector's
 * size.
 */
inline void Stream(const Vector& vector, float* to) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)vector);
#elif defined(__AVX2__)
  _mm256_stream_ps(to, (__m256)vector);
#elif defined(__SSE2__)
  _mm_stream_ps(to, (__m128)vector);
#else
  Store(vector, to);
#endif
}

/** Copies past the caches. */
inline void StreamAll(const float* from, int64_t length, float* to) {
  int64_t i = 0;
  const auto unaligned = [&] { return reinterpret_cast<uintptr_t>(to + i) % sizeof(Vector) != 0; };
  for (; i < length && unaligned(); i++) to[i] = from[i];
  for (; i + kLanes <= length; i += kLanes) Stream(Load(from + i), to + i);
  for (; i < length; i++) to[i] = from[i];
#if defined(__SSE2__)
  _mm_sfence();  // other threads are to see it
#endif
}

}  // namespace
}  // namespace spikingformer
