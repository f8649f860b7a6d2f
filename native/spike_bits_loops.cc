// Spikes to bits and back. Numbers are compared as integers: what is packed comes back with all of
// its bits. Compiled once for each INSTRUCTION_SET, without the standard library (see
// lif_loops.cc).
#include "spike_bits.h"
#include "spike_lists.h"
#include "vectors.h"

namespace spikingformer {
namespace {

constexpr int32_t kOne = 0x3f800000;  // the bits of 1.0f

typedef int32_t Integers
    __attribute__((vector_size(kLanes * sizeof(int32_t)), aligned(4), may_alias));

/** A bit for each number of a vector, whether all of its bits are those of `value`. */
inline uint32_t Equal(const float* x, int32_t value) {
#if defined(__AVX512F__)
  return _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(x), _mm512_set1_epi32(value));
#elif defined(__AVX2__)
  const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  return _mm256_movemask_ps(
      _mm256_castsi256_ps(_mm256_cmpeq_epi32(numbers, _mm256_set1_epi32(value))));
#elif defined(__SSE2__)
  const __m128i numbers = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
  return _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(numbers, _mm_set1_epi32(value))));
#else
  const Integers numbers = *reinterpret_cast<const Integers*>(x);
  uint32_t bits = 0;
  for (int i = 0; i < kLanes; i++) bits |= uint32_t{numbers[i] == value} << i;
  return bits;
#endif
}

/** One word of whole vectors; `others` gets a bit for each number that is no spike. */
inline uint32_t PackWord(const float* x, uint32_t* others) {
  uint32_t ones = 0, zeros = 0;
  for (int i = 0; i < kSpikesPerWord; i += kLanes) {
    ones |= Equal(x + i, kOne) << i;
    zeros |= Equal(x + i, 0) << i;
  }
  *others |= ~(ones | zeros);
  return ones;
}

int64_t Pack(const float* x, int64_t length, uint32_t* words) {
  // So many words between two looks at whether all have been spikes: real numbers end it at once.
  constexpr int64_t kRun = 64;
  const int64_t whole = length / kSpikesPerWord;
  int64_t count = 0;
  for (int64_t word = 0; word < whole;) {
    const int64_t end = word + kRun < whole ? word + kRun : whole;
    uint32_t others = 0;
    for (; word < end; word++) {
      words[word] = PackWord(x + word * kSpikesPerWord, &others);
      count += __builtin_popcount(words[word]);
    }
    if (others != 0) return -1;
  }
  if (whole * kSpikesPerWord == length) return count;
  float last[kSpikesPerWord] = {};
  for (int64_t i = whole * kSpikesPerWord; i < length; i++) last[i % kSpikesPerWord] = x[i];
  uint32_t others = 0;
  words[whole] = PackWord(last, &others);
  return others != 0 ? -1 : count + __builtin_popcount(words[whole]);
}

inline void UnpackWord(uint32_t word, float* x) {
  Integers places;
  for (int i = 0; i < kLanes; i++) places[i] = 1 << i;
  for (int i = 0; i < kSpikesPerWord; i += kLanes) {
    const Integers bits = Integers{} + static_cast<int32_t>(word >> i);
    *reinterpret_cast<Integers*>(x + i) = ((bits & places) != 0) & kOne;
  }
}

void Unpack(const SpikeBits& spikes, int64_t length, float* x) {
  int64_t i = 0;
  for (; i + kSpikesPerWord <= length; i += kSpikesPerWord) UnpackWord(NextBits(spikes, i), x + i);
  if (i == length) return;
  const uint32_t last = NextBits(spikes, i);
  for (int64_t j = 0; i + j < length; j++) x[i + j] = static_cast<float>(last >> j & 1);
}

}  // namespace

#define LOOPS_OF(set) extern const SpikeBitLoops spike_bits_loops_##set = {Pack, Unpack}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
