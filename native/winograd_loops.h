// The loops of Winograd's gradient of a 3x3 convolution's input, over a part of the work, and the
// table that they are picked from.
#pragma once

#include <cstdint>

namespace spikingformer {

/** Numbers of a transformed tile: 6 x 6. */
constexpr int64_t kPoints = 36;

/**
 * From dy [images, height, width, filters] and a filter [3, 3, channels, filters] to dx
 * [images, height, width, channels], in tiles of 4 x 4 pixels.
 */
struct Winograd {
  int64_t height, width, channels, filters;

  constexpr int64_t Across() const { return (width + 3) / 4; }
  constexpr int64_t ImageTiles() const { return (height + 3) / 4 * Across(); }
};

/**
 * Memory for `multiply`, each at a cache line; what is in it is undefined. inputs: of all points,
 * depth x (tiles + 1) numbers; products: of all points, panel x tiles; outside: depth.
 */
struct WinogradMemory {
  float *inputs, *products, *outside;
};

struct WinogradLoops {
  /** Numbers of a vector, and channels of a panel. */
  int64_t lanes, panel;

  /**
   * Transforms a filter's panel from channel `channel` on, `lanes` of its filters from `filter` on:
   * to [points, filters, panel], 0 beyond the last channel and filter.
   */
  void (*pack)(const Winograd&, const float* taps, int64_t channel, int64_t filter, float* panel);

  /**
   * The tiles [begin, end) of all images, from all panels one after the other. Returns whether they
   * are finite.
   */
  bool (*multiply)(const Winograd&, const float* dy, const float* panels, float* dx, int64_t begin,
                   int64_t end, const WinogradMemory&);
};

/** The filters of dy in whole vectors. */
constexpr int64_t Depth(const Winograd& p, int64_t lanes) {
  return (p.filters + lanes - 1) / lanes * lanes;
}

/**
 * Numbers from a panel's matrix of one point to the next, with a cache line in between, lest all
 * begin at the same place in the caches.
 */
constexpr int64_t PanelStep(const Winograd& p, int64_t lanes, int64_t panel) {
  return Depth(p, lanes) * panel + 16;
}

// winograd_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const WinogradLoops winograd_loops_baseline;
extern const WinogradLoops winograd_loops_avx2;
extern const WinogradLoops winograd_loops_avx512;

}  // namespace spikingformer
