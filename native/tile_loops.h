// The loops of products by AMX, over a part of the work, and the tables that they are picked from:
// of tiles of 16 rows of bfloat16, with sums in float32. A spike is a bfloat16. Other numbers are
// rounded to one; or they are the sum of three, and then products are as exact as those of float32.
#pragma once

#include <cstdint>

#include "spike_gradient_loops.h"

namespace spikingformer {

/** A tile: rows, and bfloat16 numbers of each. */
constexpr int64_t kTileRows = 16, kTileDepth = 32, kTile = kTileRows * kTileDepth;
/** How many bfloat16 a number is taken for, the largest first. */
constexpr int kRounded = 1, kExact = 3;
/** Columns of a panel: two tiles. */
constexpr int64_t kPanelColumns = 2 * kTileRows;

constexpr int64_t TilesOf(int64_t numbers, int64_t tile) { return (numbers + tile - 1) / tile; }

/** Numbers of a filter's panel: the parts of two tiles, for each tap and tile of channels. */
constexpr int64_t TilePanel(const SpikeConv& p, int64_t parts) {
  return p.size * p.size * TilesOf(p.channels, kTileDepth) * parts * 2 * kTile;
}

/** Whole images, or rows [row, row + rows) of one. */
struct TileBlock {
  int64_t images, row, rows;
};

/**
 * The pixels of a block with the padding around them, one after the other: what lies under a tap is
 * as far away for all. A place has its channels, some zeros up to a whole tile, and a gap, by which
 * the rows of a tile lie in different sets of the cache.
 */
constexpr int64_t TileStride(const SpikeConv& p) {
  return (TilesOf(p.channels, kTileDepth) + 1) * kTileDepth;
}
constexpr int64_t PaddedWidth(const SpikeConv& p) { return p.width + 2 * p.padding(); }
constexpr int64_t TilePlaces(const SpikeConv& p, const TileBlock& block) {
  return block.images * (block.rows + 2 * p.padding()) * PaddedWidth(p) + 2 * kTileRows;
}

/** Where the rows of a tile are: the first place in an image of a block, and each row's pixel. */
struct TilePlace {
  int32_t first;
  int32_t pixels[kTileRows];  // from the block's first in that image; -1: of the padding
};

/** For numbers that are taken in one of these ways. */
struct TileLoops {
  /**
   * A filter's panel from column `first` on: matrices [rows, columns] of numbers that are
   * `row_step` and `column_step` apart, one for each tap, `tap_step` apart.
   */
  void (*pack)(const SpikeConv&, const float* filter, int64_t tap_step, int64_t row_step,
               int64_t column_step, int64_t first, uint16_t* panel);

  /** The places of a block, of spikes or of numbers; x is the first image of the block. */
  void (*spread)(const SpikeConv&, const TileBlock&, const SpikeBits& x, uint16_t* places);
  void (*split)(const SpikeConv&, const TileBlock&, const float* x, uint16_t* places);

  /**
   * The sums of a block, of spikes or of numbers. scale and shift, one number a filter, are applied
   * to them; null: neither. y is the first image of the block.
   */
  void (*multiply_spikes)(const SpikeConv&, const TileBlock&, const TilePlace*, int64_t tiles,
                          const uint16_t* places, const uint16_t* panels, const float* scale,
                          const float* shift, float* y);
  void (*multiply_numbers)(const SpikeConv&, const TileBlock&, const TilePlace*, int64_t tiles,
                           const uint16_t* places, const uint16_t* panels, const float* scale,
                           const float* shift, float* y);
};

/** Memory for `filter_gradient`; what is in it is undefined. */
struct TileMemory {
  uint16_t* panels;
  uint32_t* words;
  uint32_t* line;
  uint16_t* channels;
};

struct TileGradientLoops {
  /**
   * A part of dw, summed block by block; whether all numbers of dy that it met are finite. Channels
   * and filters are multiples of 16.
   */
  bool (*filter_gradient)(const SpikeConv&, int64_t images, const PixelBlock&, const SpikeBits& x,
                          const float* dy, float* dw, const FilterPart&, const TileMemory&);
};

// All null if the compiler does not know AMX.
extern const TileLoops tile_loops_rounded, tile_loops_exact;
extern const TileGradientLoops tile_gradient_loops_rounded, tile_gradient_loops_exact;

}  // namespace spikingformer
