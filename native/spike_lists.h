// Where the spikes are among bits. Compiled with each of the loops that walk them, for its
// instruction set.
#pragma once

#include <cstdint>

#include "spike_bits.h"
#include "vectors.h"

namespace spikingformer {
namespace {

/** 32 bits from `spike` on; those beyond the last spike are undefined. */
inline uint32_t NextBits(const SpikeBits& spikes, int64_t spike) {
  const int64_t at = spikes.first + spike;
  const uint32_t* const words = spikes.words + at / kSpikesPerWord;
  const uint64_t two = words[0] | static_cast<uint64_t>(words[1]) << kSpikesPerWord;
  return static_cast<uint32_t>(two >> at % kSpikesPerWord);
}

/** How many of `length` are 1. */
inline int64_t CountSpikes(const SpikeBits& spikes, int64_t length) {
  int64_t count = 0, i = 0;
  for (; i + kSpikesPerWord <= length; i += kSpikesPerWord) {
    count += __builtin_popcount(NextBits(spikes, i));
  }
  if (i == length) return count;
  return count + __builtin_popcount(NextBits(spikes, i) & ((1u << (length - i)) - 1));
}

#if defined(__AVX2__)
/** Of each byte, where its ones are, in order; then zeros. */
struct PlacesOfOnes {
  uint8_t of[256][8] = {};

  constexpr PlacesOfOnes() {
    for (int byte = 0; byte < 256; byte++) {
      for (int bit = 0, ones = 0; bit < 8; bit++) {
        if (byte >> bit & 1) of[byte][ones++] = static_cast<uint8_t>(bit);
      }
    }
  }
};
constexpr PlacesOfOnes kPlacesOfOnes;
#endif

/**
 * Writes base + i for each i in [begin, end) that is a spike, and returns the list's end; some more
 * may be written behind it, up to a vector.
 */
inline int32_t* ListSpikes(const SpikeBits& spikes, int64_t begin, int64_t end, int32_t base,
                           int32_t* list) {
  for (int64_t i = begin; i < end; i += kSpikesPerWord) {
    uint32_t bits = NextBits(spikes, i);
    if (end - i < kSpikesPerWord) bits &= (1u << (end - i)) - 1;
    const int32_t place = base + static_cast<int32_t>(i);
#if defined(__AVX512F__)
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int half = 0; half < kSpikesPerWord; half += kLanes) {
      const __mmask16 mask = static_cast<__mmask16>(bits >> half);
      const __m512i places = _mm512_add_epi32(_mm512_set1_epi32(place + half), lanes);
      _mm512_storeu_si512(list, _mm512_maskz_compress_epi32(mask, places));
      list += __builtin_popcount(mask);
    }
#elif defined(__AVX2__)
    for (int first = 0; first < kSpikesPerWord; first += kLanes) {
      const uint32_t byte = bits >> first & 0xff;
      const __m128i ones = _mm_loadl_epi64((const __m128i*)kPlacesOfOnes.of[byte]);
      const __m256i places =
          _mm256_add_epi32(_mm256_set1_epi32(place + first), _mm256_cvtepu8_epi32(ones));
      _mm256_storeu_si256((__m256i*)list, places);
      list += __builtin_popcount(byte);
    }
#else
    for (; bits != 0; bits &= bits - 1) *list++ = place + __builtin_ctz(bits);
#endif
  }
  return list;
}

}  // namespace
}  // namespace spikingformer
