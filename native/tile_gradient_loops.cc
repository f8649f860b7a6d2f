// The gradient of a filter of spikes by AMX. Compiled once, for AVX-512 and AMX, without the
// standard library (see lif_loops.cc).
#include "spike_lists.h"
#include "spike_sums.h"
#include "tile_loops.h"
#include "tiles.h"

namespace spikingformer {

#ifdef SPIKINGFORMER_TILES
namespace {

/** A block of pixels, one after the other in dy. */
struct Pixels {
  const SpikeConv& p;
  const PixelBlock& block;
  /** The first image, and the first row of each. */
  int64_t image, row;
  /** Pixels, and tiles of them. */
  int64_t count, depth;

  int64_t First() const { return (image * p.height + row) * p.width; }
};

/**
 * dy's filters of a part as panels [columns / 32, depth, parts, 2 tiles]. Returns zeros, or NaN if
 * one of the numbers is not finite.
 */
template <int kParts>
__m512 PackGradient(const Pixels& pixels, const float* dy, const FilterPart& part,
                    uint16_t* panels) {
  __m512 zeros = _mm512_setzero_ps();
  const int64_t filters = pixels.p.filters;
  const float* const block = dy + pixels.First() * filters;
  for (int64_t column = part.first; column < part.last; column += kPanelColumns) {
    const int64_t halves = part.last - column > kTileRows ? 2 : 1;
    for (int64_t k = 0; k < pixels.depth; k++, panels += kParts * 2 * kTile) {
      for (int64_t half = 0; half < halves; half++) {
        const float* from = block + k * kTileDepth * filters + column + half * kTileRows;
        uint16_t* to = panels + half * kTile;
        const int64_t left = Min(pixels.count - k * kTileDepth, kTileDepth);
        for (int64_t i = 0; i < kTileDepth; i += 2, from += 2 * filters, to += kTileDepth) {
          const __m512 zero = _mm512_setzero_ps();
          const __m512 even = i < left ? _mm512_loadu_ps(from) : zero;
          const __m512 odd = i + 1 < left ? _mm512_loadu_ps(from + filters) : zero;
          zeros = _mm512_fmadd_ps(even, zero, _mm512_fmadd_ps(odd, zero, zeros));
          WritePairs<kParts>(even, odd, 2 * kTile, to);
        }
      }
    }
  }
  return zeros;
}

/** 32 channels of a block's pixels as a word each, with the padding around them. */
void ListWords(const Pixels& pixels, const SpikeBits& x, int64_t channel, uint32_t* words) {
  const SpikeConv& p = pixels.p;
  const int64_t padding = p.padding(), left = p.channels - channel;
  const uint32_t mask = left >= kSpikesPerWord ? ~0u : (1u << left) - 1;
  for (int64_t image = pixels.image; image < pixels.image + pixels.block.images; image++) {
    const int64_t end = pixels.row + pixels.block.rows + padding;
    for (int64_t row = pixels.row - padding; row < end; row++) {
      const bool inside = row >= 0 && row < p.height;
      for (int64_t i = 0; i < padding; i++) *words++ = 0;
      int64_t spike = ((image * p.height + row) * p.width) * p.channels + channel;
      for (int64_t column = 0; column < p.width; column++, spike += p.channels) {
        *words++ = inside ? NextBits(x, spike) & mask : 0;
      }
      for (int64_t i = 0; i < padding; i++) *words++ = 0;
    }
  }
}

/** What lies under a tap: a word for each pixel of the block, 0 for those beyond the last. */
void TakeWords(const Pixels& pixels, int64_t tap, const uint32_t* words, uint32_t* line) {
  const SpikeConv& p = pixels.p;
  const int64_t width = PaddedWidth(p), rows = pixels.block.rows + 2 * p.padding();
  uint32_t* to = line;
  for (int64_t image = 0; image < pixels.block.images; image++) {
    for (int64_t row = 0; row < pixels.block.rows; row++) {
      const uint32_t* from = words + (image * rows + row + tap / p.size) * width + tap % p.size;
      for (int64_t column = 0; column < p.width; column++) *to++ = *from++;
    }
  }
  while (to < line + pixels.depth * kTileDepth) *to++ = 0;
}

/** Those words turned over: [depth, 2 tiles of channels], a row for each channel. */
void TurnWords(const uint32_t* line, int64_t depth, uint16_t* channels) {
  for (int64_t k = 0; k < depth; k++, line += kTileDepth) {
    const __m512i first = _mm512_loadu_si512(line), second = _mm512_loadu_si512(line + 16);
    for (int channel = 0; channel < kSpikesPerWord; channel++, channels += kTileDepth) {
      const __m512i bit = _mm512_set1_epi32(1 << channel);
      const uint32_t low = _mm512_test_epi32_mask(first, bit);
      const uint32_t high = _mm512_test_epi32_mask(second, bit);
      WriteBits(low | high << 16, channels);
    }
  }
}

/** Adds to dw [32 channels, 32 filters] or half of either, or sets it in the first block. */
template <int kParts, int kRows, int kColumns>
TILES inline void AddProduct(const uint16_t* channels, const uint16_t* panel, int64_t depth,
                             float* dw, int64_t filters, bool first) {
  const int64_t row = filters * sizeof(float);
  float* const below = dw + kTileRows * filters;
  if (first) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, dw, row);
    if constexpr (kColumns == 2) _tile_loadd(1, dw + kTileRows, row);
    if constexpr (kRows == 2) _tile_loadd(2, below, row);
    if constexpr (kRows == 2 && kColumns == 2) _tile_loadd(3, below + kTileRows, row);
  }
  for (int64_t k = 0; k < depth; k++, channels += 2 * kTile) {
    _tile_loadd(4, channels, 2 * kTileDepth);
    if constexpr (kRows == 2) _tile_loadd(5, channels + kTile, 2 * kTileDepth);
    for (int i = 0; i < kParts; i++, panel += 2 * kTile) {
      _tile_loadd(6, panel, 2 * kTileDepth);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (kRows == 2) _tile_dpbf16ps(2, 5, 6);
      if constexpr (kColumns == 2) {
        _tile_loadd(7, panel + kTile, 2 * kTileDepth);
        _tile_dpbf16ps(1, 4, 7);
        if constexpr (kRows == 2) _tile_dpbf16ps(3, 5, 7);
      }
    }
  }
  _tile_stored(0, dw, row);
  if constexpr (kColumns == 2) _tile_stored(1, dw + kTileRows, row);
  if constexpr (kRows == 2) _tile_stored(2, below, row);
  if constexpr (kRows == 2 && kColumns == 2) _tile_stored(3, below + kTileRows, row);
}

template <int kParts>
TILES bool FilterGradient(const SpikeConv& p, int64_t images, const PixelBlock& most,
                          const SpikeBits& x, const float* dy, float* dw, const FilterPart& part,
                          const TileMemory& memory) {
  const WholeTiles whole;
  __m512 zeros = _mm512_setzero_ps();
  for (int64_t number = part.from; number < part.to; number++) {
    const auto [image, row, block] = BlockAt(p, images, most, number);
    const int64_t count = block.images * block.rows * p.width;
    const Pixels pixels = {p, block, image, row, count, TilesOf(count, kTileDepth)};
    zeros = _mm512_add_ps(zeros, PackGradient<kParts>(pixels, dy, part, memory.panels));
    for (int64_t channel = part.begin; channel < part.end; channel += kPanelColumns) {
      ListWords(pixels, x, channel, memory.words);
      for (int64_t tap = 0; tap < p.size * p.size; tap++) {
        TakeWords(pixels, tap, memory.words, memory.line);
        TurnWords(memory.line, pixels.depth, memory.channels);
        Written();
        const uint16_t* panel = memory.panels;
        for (int64_t column = part.first; column < part.last; column += kPanelColumns) {
          const bool wide = part.last - column > kTileRows;
          const auto add = part.end - channel > kTileRows
                               ? (wide ? AddProduct<kParts, 2, 2> : AddProduct<kParts, 2, 1>)
                               : (wide ? AddProduct<kParts, 1, 2> : AddProduct<kParts, 1, 1>);
          add(memory.channels, panel, pixels.depth,
              dw + (tap * p.channels + channel) * p.filters + column, p.filters,
              number == part.from);
          panel += pixels.depth * kParts * 2 * kTile;
        }
      }
    }
  }
  return _mm512_cmp_ps_mask(zeros, _mm512_setzero_ps(), _CMP_EQ_OQ) == 0xffff;
}

}  // namespace

extern const TileGradientLoops tile_gradient_loops_rounded = {FilterGradient<kRounded>},
                               tile_gradient_loops_exact = {FilterGradient<kExact>};
#else
extern const TileGradientLoops tile_gradient_loops_rounded = {}, tile_gradient_loops_exact = {};
#endif

}  // namespace spikingformer
