// Products by AMX: convolutions, and matrix products, of spikes or of numbers. Compiled once, for
// AVX-512 and AMX, without the standard library (see lif_loops.cc).
#include "tile_loops.h"

#include "spike_lists.h"
#include "tiles.h"

namespace spikingformer {

#ifdef SPIKINGFORMER_TILES
namespace {

template <int kParts>
void Pack(const SpikeConv& p, const float* filter, int64_t tap_step, int64_t row_step,
          int64_t column_step, int64_t first, uint16_t* panel) {
  const __m512i places =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(column_step)));
  const int64_t depth = TilesOf(p.channels, kTileDepth) * kTileDepth;
  for (int64_t tap = 0; tap < p.size * p.size; tap++) {
    const float* const matrix = filter + tap * tap_step;
    for (int64_t row = 0; row < depth; row += kTileDepth, panel += 2 * kParts * kTile) {
      for (int64_t half = 0; half < 2; half++) {
        const int64_t column = first + half * kTileRows;
        const __mmask16 columns = FirstLanes(p.filters - column);
        const auto read = [&](int64_t at) {
          const float* const from = matrix + at * row_step + column * column_step;
          if (at >= p.channels || columns == 0) return _mm512_setzero_ps();
          if (column_step == 1) return _mm512_maskz_loadu_ps(columns, from);
          return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), columns, places, from, 4);
        };
        for (int64_t pair = 0; pair < kTileRows; pair++) {
          const int64_t at = row + 2 * pair;
          WritePairs<kParts>(read(at), read(at + 1), 2 * kTile,
                             panel + half * kTile + pair * kTileDepth);
        }
      }
    }
  }
}

/** Calls write(pixel's number, place) for all pixels of a block, and clears the padding of each
 * part. */
template <int kCount, class Write>
inline void ForEachPlace(const SpikeConv& p, const TileBlock& block, uint16_t* places,
                         const Write& write) {
  const int64_t stride = TileStride(p), width = PaddedWidth(p), padding = p.padding();
  const int64_t part = TilePlaces(p, block) * stride;
  const auto clear = [&](uint16_t* from, int64_t count) {
    for (int i = 0; i < kCount; i++) {
      for (int64_t k = 0; k < count * stride; k += kTileDepth) WriteBits(0, from + i * part + k);
    }
  };
  for (int64_t image = 0; image < block.images; image++) {
    for (int64_t row = block.row - padding; row < block.row + block.rows + padding; row++) {
      if (row < 0 || row >= p.height) {
        clear(places, width);
        places += width * stride;
        continue;
      }
      clear(places, padding);
      places += padding * stride;
      int64_t pixel = (image * p.height + row) * p.width;
      for (int64_t column = 0; column < p.width; column++, places += stride) write(pixel++, places);
      clear(places, padding);
      places += padding * stride;
    }
  }
}

void Spread(const SpikeConv& p, const TileBlock& block, const SpikeBits& x, uint16_t* places) {
  ForEachPlace<1>(p, block, places, [&](int64_t pixel, uint16_t* to) {
    for (int64_t k = 0; k < p.channels; k += kTileDepth) {
      uint32_t bits = NextBits(x, pixel * p.channels + k);
      if (p.channels - k < kTileDepth) bits &= (1u << (p.channels - k)) - 1;
      WriteBits(bits, to + k);
    }
  });
}

template <int kParts>
void Split(const SpikeConv& p, const TileBlock& block, const float* x, uint16_t* places) {
  const int64_t part = TilePlaces(p, block) * TileStride(p);
  short odd[kTileDepth];
  for (int i = 0; i < kTileDepth; i++) odd[i] = static_cast<short>(2 * i + 1);
  const __m512i upper = _mm512_loadu_si512(odd);
  ForEachPlace<kParts>(p, block, places, [&](int64_t pixel, uint16_t* to) {
    const float* const from = x + pixel * p.channels;
    for (int64_t k = 0; k < p.channels; k += kTileDepth) {
      const Parts<kParts> first(_mm512_maskz_loadu_ps(FirstLanes(p.channels - k), from + k));
      const Parts<kParts> second(
          _mm512_maskz_loadu_ps(FirstLanes(p.channels - k - 16), from + k + 16));
      for (int i = 0; i < kParts; i++) {
        _mm512_store_si512(to + i * part + k,
                           _mm512_permutex2var_epi16(first.part[i], upper, second.part[i]));
      }
    }
  });
}

/** Adds the products of two tiles of places, tmm4 and tmm5, and two of a panel, tmm6 and tmm7. */
template <int kColumns>
TILES inline void Add() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(2, 5, 6);
  if constexpr (kColumns == 2) {
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
}

template <int kColumns>
TILES inline void LoadPanel(const uint16_t* panel) {
  _tile_loadd(6, panel, 2 * kTileDepth);
  if constexpr (kColumns == 2) _tile_loadd(7, panel + kTile, 2 * kTileDepth);
}

/** What of a convolution the sums of one panel are made from. */
struct Factors {
  const uint16_t* places;
  int64_t part, stride, width, size, depth;
};

TILES inline void LoadPlaces(const uint16_t* first, const uint16_t* second, int64_t stride) {
  _tile_loadd(4, first, stride * sizeof(uint16_t));
  _tile_loadd(5, second, stride * sizeof(uint16_t));
}

/**
 * Sums for two tiles of places and a panel. Of two numbers in parts, the products that are less
 * than the last bit of a float32 are left out.
 */
template <int kPlaceParts, int kParts, int kColumns>
TILES inline void SumTiles(const Factors& f, int64_t first, int64_t second, const uint16_t* panel) {
  constexpr int64_t kNext = 2 * kTile;  // from one part of a panel to the next
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < f.size; i++) {
    for (int64_t j = 0; j < f.size; j++) {
      const uint16_t* a = f.places + (first + i * f.width + j) * f.stride;
      const uint16_t* b = f.places + (second + i * f.width + j) * f.stride;
      for (int64_t k = 0; k < f.depth; k++, panel += kParts * kNext) {
        LoadPlaces(a, b, f.stride);
        if constexpr (kParts == kExact) {
          LoadPanel<kColumns>(panel + 2 * kNext);
          Add<kColumns>();
          LoadPanel<kColumns>(panel + kNext);
          Add<kColumns>();
        }
        LoadPanel<kColumns>(panel);
        Add<kColumns>();
        if constexpr (kPlaceParts == kExact) {
          LoadPlaces(a + f.part, b + f.part, f.stride);
          Add<kColumns>();
          LoadPanel<kColumns>(panel + kNext);
          Add<kColumns>();
          LoadPlaces(a + 2 * f.part, b + 2 * f.part, f.stride);
          LoadPanel<kColumns>(panel);
          Add<kColumns>();
        }
        a += kTileDepth;
        b += kTileDepth;
      }
    }
  }
}

/** Where one tile's sums go. */
struct Outputs {
  const float* scale;
  const float* shift;
  float* y;
  int64_t filters, pixels;
};

/** Writes a tile's sums, in `sums`, for the pixels that there are. */
inline void Finish(const Outputs& to, const TilePlace& place, const float* sums, int64_t column) {
  const __mmask16 lanes = FirstLanes(to.filters - column);
  if (lanes == 0) return;
  const __m512 scale =
      to.scale ? _mm512_maskz_loadu_ps(lanes, to.scale + column) : _mm512_set1_ps(1.0f);
  const __m512 shift =
      to.shift ? _mm512_maskz_loadu_ps(lanes, to.shift + column) : _mm512_setzero_ps();
  for (int64_t row = 0; row < kTileRows; row++) {
    const int64_t pixel = place.pixels[row];
    if (pixel < 0 || pixel >= to.pixels) continue;
    __m512 sum = _mm512_load_ps(sums + row * kTileRows);
    if (to.scale) sum = _mm512_add_ps(_mm512_mul_ps(sum, scale), shift);
    _mm512_mask_storeu_ps(to.y + pixel * to.filters + column, lanes, sum);
  }
}

template <int kPlaceParts, int kParts, int kColumns>
TILES inline void MultiplyTwo(const Factors& f, const Outputs& to, const TilePlace& a,
                              const TilePlace* b, int64_t start, const uint16_t* panel,
                              int64_t column) {
  SumTiles<kPlaceParts, kParts, kColumns>(f, start + a.first, start + (b ? b->first : a.first),
                                          panel);
  alignas(64) float sums[4][kTileRows * kTileRows];
  constexpr int64_t kRow = kTileRows * sizeof(float);
  _tile_stored(0, sums[0], kRow);
  if constexpr (kColumns == 2) _tile_stored(1, sums[1], kRow);
  _tile_stored(2, sums[2], kRow);
  if constexpr (kColumns == 2) _tile_stored(3, sums[3], kRow);
  for (int i = 0; i < kColumns; i++) {
    Finish(to, a, sums[i], column + i * kTileRows);
    if (b) Finish(to, *b, sums[2 + i], column + i * kTileRows);
  }
}

template <int kPlaceParts, int kParts>
TILES void Multiply(const SpikeConv& p, const TileBlock& block, const TilePlace* tiles,
                    int64_t count, const uint16_t* places, const uint16_t* panels,
                    const float* scale, const float* shift, float* y) {
  const WholeTiles whole;
  Written();
  const int64_t stride = TileStride(p), width = PaddedWidth(p);
  const Factors f = {places, TilePlaces(p, block) * stride,  stride, width,
                     p.size, TilesOf(p.channels, kTileDepth)};
  const int64_t image_places = (block.rows + 2 * p.padding()) * width;
  for (int64_t column = 0; column < p.filters;
       column += kPanelColumns, panels += TilePanel(p, kParts)) {
    const bool wide = p.filters - column > kTileRows;
    for (int64_t image = 0; image < block.images; image++) {
      const Outputs to = {scale, shift, y + (image * p.height + block.row) * p.width * p.filters,
                          p.filters, block.rows * p.width};
      for (int64_t i = 0; i < count; i += 2) {
        const TilePlace* const second = i + 1 < count ? tiles + i + 1 : nullptr;
        (wide ? MultiplyTwo<kPlaceParts, kParts, 2>
              : MultiplyTwo<kPlaceParts, kParts, 1>)(f, to, tiles[i], second, image * image_places,
                                                     panels, column);
      }
    }
  }
}

template <int kParts>
constexpr TileLoops kLoops = {Pack<kParts>, Spread, Split<kParts>, Multiply<1, kParts>,
                              Multiply<kParts, kParts>};

}  // namespace

extern const TileLoops tile_loops_rounded = kLoops<kRounded>, tile_loops_exact = kLoops<kExact>;
#else
extern const TileLoops tile_loops_rounded = {}, tile_loops_exact = {};
#endif

}  // namespace spikingformer
