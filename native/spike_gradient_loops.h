// The loops of the gradient of a filter whose input is mostly zero, and the table that they are
// picked from.
#pragma once

#include <cstdint>

#include "spike_loops.h"

namespace spikingformer {

/** What `filter_gradient` works on at a time: whole images, or rows of one. */
struct PixelBlock {
  int64_t images, rows;
};

/** Where a block is: its first image, and the first row of each. */
struct BlockPlace {
  int64_t image, row;
  PixelBlock block;
};

constexpr int64_t BlocksDown(const SpikeConv& p, const PixelBlock& most) {
  return (p.height + most.rows - 1) / most.rows;
}

/** How many blocks of at most that size all pixels are. */
constexpr int64_t BlockCount(const SpikeConv& p, int64_t images, const PixelBlock& most) {
  return (images + most.images - 1) / most.images * BlocksDown(p, most);
}

constexpr BlockPlace BlockAt(const SpikeConv& p, int64_t images, const PixelBlock& most,
                             int64_t number) {
  const int64_t down = BlocksDown(p, most);
  const int64_t image = number / down * most.images, row = number % down * most.rows;
  const int64_t images_left = images - image, rows_left = p.height - row;
  return {image,
          row,
          {images_left < most.images ? images_left : most.images,
           rows_left < most.rows ? rows_left : most.rows}};
}

/** A number of x that is not zero, and its pixel's place in a panel. */
struct Entry {
  int32_t at;
  float value;
};

/** Memory for `filter_gradient`; what is in it is undefined. */
struct GradientMemory {
  int32_t* places;
  float* values;
  int32_t* ends;
  Entry* entries;
  float* panel;
};

/** Input channels of one call of `filter_gradient`, at most; a power of 2. */
constexpr int32_t kGradientChannels = 256;

/**
 * Input channels [begin, end), filters [first, last), of which first is a multiple of half a strip,
 * and blocks of pixels [from, to).
 */
struct FilterPart {
  int64_t begin, end, first, last, from, to;
};

struct SpikeGradientLoops {
  /** A part of dw, summed block by block; whether all numbers of dy that it met are finite. */
  bool (*filter_gradient)(const SpikeConv&, int64_t images, const PixelBlock&, const float* x,
                          const float* dy, float* dw, const FilterPart&, const GradientMemory&);

  /** The same of spikes. */
  bool (*filter_gradient_spikes)(const SpikeConv&, int64_t images, const PixelBlock&,
                                 const SpikeBits& x, const float* dy, float* dw, const FilterPart&,
                                 const GradientMemory&);
};

// How many of each the memory has to have. A vector may be stored where a list ends.

constexpr int64_t GradientPixels(const SpikeConv& p, const PixelBlock& block) {
  return block.images * block.rows * p.width;
}

/** Of one channel's entries: apart so that the lists do not share the same few lines of a cache. */
constexpr int64_t GradientCapacity(const SpikeConv& p, const PixelBlock& block) {
  return GradientPixels(p, block) + 8;
}

constexpr int64_t GradientPlaces(const SpikeConv& p, const PixelBlock& block, int64_t channels) {
  return GradientPixels(p, block) * channels + 16;
}

constexpr int64_t GradientPanel(const SpikeConv& p, const PixelBlock& block, int64_t strip) {
  return block.images * (block.rows + p.size - 1) * (p.width + p.size - 1) * strip;
}

// spike_gradient_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const SpikeGradientLoops spike_gradient_loops_baseline;
extern const SpikeGradientLoops spike_gradient_loops_avx2;
extern const SpikeGradientLoops spike_gradient_loops_avx512;

}  // namespace spikingformer
