// What the loops of AMX share: tiles, float32 as three bfloat16, and bits as bfloat16. Compiled
// with each of them for AVX-512; empty where the compiler does not know AMX.
#pragma once

#include <cstdint>

#include "tile_loops.h"
#include "vectors.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__AVX512BW__) && \
    (defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11)
#define SPIKINGFORMER_TILES
/** Functions that use tiles. */
#define TILES __attribute__((target("amx-tile,amx-bf16")))

namespace spikingformer {
namespace {

/** The shapes of the eight tiles, as the processor reads them: all whole. */
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  constexpr TileConfig() {
    for (int i = 0; i < 8; i++) {
      row_bytes[i] = kTileDepth * sizeof(uint16_t);
      rows[i] = kTileRows;
    }
  }
};
// A constant: compilers may leave out what they think the instruction does not read.
constexpr TileConfig kWholeTiles;

/** Whole tiles while it lives; then those that the thread had, of TensorFlow's own products. */
class WholeTiles {
 public:
  TILES WholeTiles() {
    _tile_storeconfig(before_);
    _tile_loadconfig(&kWholeTiles);
  }
  TILES ~WholeTiles() { _tile_loadconfig(before_); }

 private:
  alignas(64) uint8_t before_[sizeof(TileConfig)];
};

/** Whatever has been written is in memory when tiles are loaded: the compiler does not know that
 * they read it. */
inline void Written() { asm volatile("" ::: "memory"); }

inline __mmask16 FirstLanes(int64_t count) {
  return count >= 16 ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}

/** 16 numbers rounded to the nearest bfloat16, ties to even, in the upper halves of 32 bits. */
inline __m512i Rounded(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  // The bits of a NaN could be carried into the exponent.
  const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  return _mm512_mask_or_epi32(up, nan, bits, _mm512_set1_epi32(1 << 22));
}

/** 16 numbers as bfloat16, in the upper halves of 32 bits: one for each, or kExact that they are
 * the sum of. */
template <int kParts>
struct Parts {
  __m512i part[kParts];

  explicit Parts(__m512 x) {
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000));
    if constexpr (kParts == kRounded) {
      part[0] = _mm512_and_si512(Rounded(x), upper);
    } else {
      for (int i = 0; i < kParts; i++) {
        part[i] = _mm512_and_si512(_mm512_castps_si512(x), upper);
        x = _mm512_sub_ps(x, _mm512_castsi512_ps(part[i]));
      }
    }
  }
};

/** Writes two rows of 16 numbers as one row of pairs, each part `step` numbers after the one
 * before. */
template <int kParts>
inline void WritePairs(__m512 even, __m512 odd, int64_t step, uint16_t* to) {
  const Parts<kParts> first(even), second(odd);
  for (int i = 0; i < kParts; i++, to += step) {
    _mm512_store_si512(to, _mm512_or_si512(_mm512_srli_epi32(first.part[i], 16), second.part[i]));
  }
}

/** 32 bits as bfloat16: 0 or 1. */
inline void WriteBits(uint32_t bits, uint16_t* to) {
  _mm512_store_si512(to, _mm512_maskz_set1_epi16(bits, 0x3f80));
}

}  // namespace
}  // namespace spikingformer
#endif
